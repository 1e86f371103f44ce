// The admin page: signs in with an administrator's UserSig (kept in this page only, sent in a header), and shows what
// the server's JSON endpoints under /admin/api/ tell. All text of users is set as text, never as HTML.
"use strict";

const NOW_MILLISECONDS = 2000;
const SLOW_MILLISECONDS = 30000;
const PER_PAGE = 20;

const at = (id) => document.getElementById(id);
const utc = (seconds) => (seconds ? new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ") : "");
const state = { authorization: "", writes: false, page: 1, pages: 1, dead: [], timers: [] };

async function ask(method, path, body) {
  const headers = { Authorization: state.authorization };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/admin/api/${path}`, { method, headers, body: body === undefined ? body : JSON.stringify(body) });
  const told = answer.status === 204 ? {} : await answer.json();
  if (answer.status === 401) signOut();
  if (!answer.ok) throw new Error(told.error ? told.error.message || told.error.code : `HTTP ${answer.status}`);
  return told;
}

function complain(error) {
  at("problem").textContent = error ? String(error.message || error) : "";
  at("problem").hidden = !error;
}

// Runs an action; what goes wrong is shown, what goes well takes an older problem away.
async function doing(action) {
  try {
    await action();
    complain(null);
  } catch (error) {
    complain(error);
  }
}

function cell(text, kind) {
  const made = document.createElement("td");
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function fill(body, rows, columns, nothing) {
  if (!rows.length) {
    const empty = cell(nothing, "none");
    empty.colSpan = columns;
    rows = [[empty]];
  }
  body.replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells);
    return row;
  }));
}

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const two = (number) => String(number).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

async function showNow() {
  const now = await ask("GET", "now");
  at("users-online").textContent = now.users_online;
  for (const name of ["ringing", "connecting", "talking"]) at(name).textContent = now.states[name];
  at("outbox-waiting").textContent = now.outbox.waiting;
  at("outbox-dead").textContent = now.outbox.dead;
  fill(at("calls-now"), now.calls.map((call) => [
    cell(call.call_id, "id"), cell(call.caller), cell(call.others.join(", "), "words"), cell(call.media), cell(call.state),
    cell(duration(now.server_time - call.since)), withButton("End", "end", () => endCall(call.call_id)),
  ]), 7, now.more ? `and ${now.more} more` : "Nobody is in a call.");
}

async function showBans() {
  const { total, bans } = await ask("GET", "users/bans");
  for (const button of at("user").querySelectorAll("button")) button.disabled = !state.writes;
  fill(at("bans"), bans.map((ban) => [
    cell(ban.user_id), cell(utc(ban.since)), cell(utc(ban.until) || "taken back"), cell(ban.by),
    withButton("Unban", "unban", () => aboutUser("unban", { user_id: ban.user_id })),
  ]), 5, total ? `${total} in all` : "Nobody is banned.");
}

async function aboutUser(verb, body) {
  await ask("POST", `users/${verb}`, body);
  await Promise.all([showBans(), showNow()]);
}

// What the form says, for a ban with its end.
function aboutForm(verb) {
  const form = at("user"), body = { user_id: form.user_id.value };
  if (verb === "ban" && form.until.value) body.until = Date.parse(`${form.until.value}Z`) / 1000;
  if (form.reportValidity()) doing(() => aboutUser(verb, body));
}

async function showHours() {
  const { hours } = await ask("GET", "hours?hours=24");
  drawHours(at("hours"), at("legend"), hours);
  drawQuality(at("quality"), hours);
}

async function showRecords() {
  const asked = new URLSearchParams({ page: state.page, per_page: PER_PAGE });
  for (const [name, value] of new FormData(at("filter"))) {
    if (value) asked.set(name, name === "start" || name === "end" ? Date.parse(`${value}Z`) / 1000 : value);
  }
  const { total, records } = await ask("GET", `records?${asked}`);
  state.pages = Math.max(1, Math.ceil(total / PER_PAGE));
  at("page").textContent = `page ${state.page} of ${state.pages}, ${total} ${total === 1 ? "record" : "records"}`;
  at("before").disabled = state.page <= 1;
  at("after").disabled = state.page >= state.pages;
  fill(at("records"), records.map((record) => [
    cell(record.call_id, "id"), cell(utc(record.started_at)), cell(record.caller), cell(record.callees.join(", "), "words"),
    cell(record.media), cell(record.result), cell(record.duration ? duration(record.duration) : ""),
  ]), 7, "No such records.");
}

async function showCallbacks() {
  const { targets } = await ask("GET", "callbacks");
  at("callbacks").replaceChildren(...targets.map((target) => {
    const form = at("callback-form").content.cloneNode(true).querySelector("form");
    const { generation } = target;
    form.querySelector("h3").textContent = `Generation v${generation}`;
    form.dataset.generation = generation;
    form.commands.placeholder = target.known.join("\n");
    form.url.value = target.url;
    form.commands.value = target.commands.join("\n");
    const disabled = form.querySelector(".disabled");
    disabled.hidden = !target.disabled;
    disabled.textContent = `Switched off: ${target.disabled}`;
    for (const button of form.querySelectorAll("button")) button.disabled = !state.writes;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const commands = form.commands.value.split(/\s+/).filter(Boolean);
      doing(async () => { await ask("POST", "callbacks/set", { generation, url: form.url.value, commands }); await showCallbacks(); });
    });
    form.querySelector(".delete").disabled = !state.writes || !target.url;
    form.querySelector(".delete").addEventListener("click", () =>
      doing(async () => { await ask("POST", "callbacks/delete", { generation }); await showCallbacks(); }));
    return form;
  }));
}

async function showDead() {
  const { total, letters } = await ask("GET", "dead");
  state.dead = letters.map((letter) => letter.id);
  at("dead-total").textContent = total > letters.length ? `${total} in all, the newest ${letters.length}:` : `${total} in all.`;
  at("resend-all").disabled = !state.writes || !letters.length;
  fill(at("dead"), letters.map((letter) => [
    cell(letter.event_id, "id"), cell(letter.command), cell(letter.call_id, "id"), cell(utc(letter.created_at)),
    cell(letter.attempts), cell(letter.error, "words"), withButton("Send again", "resend", () => resend([letter.id])),
  ]), 7, "None.");
}

async function resend(ids) {
  await ask("POST", "dead/resend", { ids });
  await Promise.all([showDead(), showNow()]);
}

// A cell with a button for those who may change something.
function withButton(text, kind, action) {
  const made = cell(""), button = document.createElement("button");
  button.textContent = text;
  button.className = kind;
  button.disabled = !state.writes;
  button.addEventListener("click", () => doing(action));
  made.append(button);
  return made;
}

async function endCall(callId) {
  await ask("POST", "calls/end", { call_id: callId });
  await showNow();
}

// Again and again, one at a time, the next one only when the last is done.
function repeat(action, milliseconds) {
  const timer = { id: 0 };
  const turn = async () => {
    if (!document.hidden) await doing(action);
    if (state.timers.includes(timer)) timer.id = setTimeout(turn, milliseconds);
  };
  state.timers.push(timer);
  timer.id = setTimeout(turn, milliseconds);
}

async function signIn(form) {
  state.authorization = `UserSig ${form.app_id.value}:${form.identifier.value}:${form.user_sig.value}`;
  const me = await ask("GET", "me");
  form.user_sig.value = "";
  state.writes = me.scopes.includes("write");
  at("who").textContent = `${me.identifier}, app ${me.app_id}${state.writes ? "" : " (read only)"}`;
  await Promise.all([showNow(), showBans(), showHours(), showRecords(), showCallbacks(), showDead()]);
  for (const id of ["who", "sign-out", "board"]) at(id).hidden = false;
  at("sign-in").hidden = true;
  repeat(showNow, NOW_MILLISECONDS);
  repeat(() => Promise.all([showBans(), showHours(), showDead()]), SLOW_MILLISECONDS);
}

function signOut() {
  for (const timer of state.timers) clearTimeout(timer.id);
  Object.assign(state, { authorization: "", writes: false, page: 1, timers: [] });
  for (const id of ["who", "sign-out", "board"]) at(id).hidden = true;
  at("sign-in").hidden = false;
}

at("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  doing(() => signIn(event.target));
});
at("kick").addEventListener("click", () => aboutForm("kick"));
at("user").addEventListener("submit", (event) => {
  event.preventDefault();
  aboutForm("ban");
});
at("sign-out").addEventListener("click", signOut);
at("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  state.page = 1;
  doing(showRecords);
});
at("before").addEventListener("click", () => { state.page -= 1; doing(showRecords); });
at("after").addEventListener("click", () => { state.page += 1; doing(showRecords); });
at("resend-all").addEventListener("click", () => doing(() => resend(state.dead)));
