"use strict";
/* A phone in a browser: pycall's wire protocol with WebSocket, JSON and RTCPeerConnection, and nothing else.

   The driver makes one with `new Phone(...)`, calls its verbs and waits with `until`. `log` has every message of the
   server but pongs and signals; `call` is the call that rings or runs. One call of two people at a time.

   What it does with media: sound and picture are negotiated once, both ways; a closed camera is a sender without a
   track. Whoever joins later offers. A signal of a higher generation replaces the connection.
*/

const HIDDEN = new Set(["pong", "signaled", "reply"]);
const RESOLUTION_MS = 20;

class Phone {
  /* settings: {url, app_id, user_id, user_sig, capture: "devices" | "drawn", codecs: ["VP8"] or null for all,
     complete: true to send candidates inside the descriptions instead of one by one,
     stereo: true to hear two channels, which a page can only say by changing its own description} */
  constructor(settings) {
    this.settings = settings;
    this.log = [];
    this.errors = [];
    this.call = null;
    this.connection = null;
    this.requests = new Map();
    this.lastRequest = 0;
    this.closed = null;
  }

  // --- signaling ----------------------------------------------------------------------------------------------

  async login() {
    await this.openDevices();
    this.socket = new WebSocket(this.settings.url);
    const opened = new Promise((done, failed) => { this.socket.onopen = done; this.socket.onerror = failed; });
    const welcomed = new Promise((done) => { this.welcomed = done; });
    this.socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    this.socket.onclose = (event) => { this.closed = event.code; clearInterval(this.heart); };
    await opened;
    const { app_id, user_id, user_sig } = this.settings;
    this.tell({ type: "login", version: 1, app_id, user_id, user_sig, device_id: `page-${crypto.randomUUID()}` });
    const welcome = await welcomed;
    let id = 0;
    this.heart = setInterval(() => this.tell({ type: "ping", id: ++id }), welcome.heartbeat * 1000);
    return welcome.user_id;
  }

  tell(message) {
    this.socket.send(JSON.stringify(message));
  }

  /* Send a command; resolves with its reply, rejects if the server refuses. */
  ask(command) {
    const req_id = ++this.lastRequest;
    const replied = new Promise((done, failed) => this.requests.set(req_id, { done, failed }));
    this.tell({ ...command, req_id });
    return replied;
  }

  receive(message) {
    if (!HIDDEN.has(message.type)) this.log.push(message);
    const act = this[`on_${message.type}`];
    if (act) Promise.resolve(act.call(this, message)).catch((error) => this.errors.push(`${message.type}: ${error}`));
  }

  on_welcome(message) { this.welcomed(message); }

  on_reply({ req_id, ok, code, message, call }) {
    const { done, failed } = this.requests.get(req_id);
    this.requests.delete(req_id);
    if (ok) done(call); else failed(new Error(`${code}: ${message}`));
  }

  // --- the call -----------------------------------------------------------------------------------------------

  async invite(user_id, media) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    const call_id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.call = { call_id, media, peer: user_id, camera: media === "video" };
    await this.ask({ type: "invite", call_id, callees: [user_id], media, timeout: 30 });
    return call_id;
  }

  on_invited({ call }) {
    this.call = { call_id: call.call_id, media: call.media, peer: call.caller, camera: false };
  }

  async accept() {
    const view = await this.ask({ type: "accept", call_id: this.call.call_id });
    this.call.camera = view.media === "video";
    const connection = this.connect(0);
    for (const kind of ["audio", "video"]) connection.addTransceiver(kind, { direction: "sendrecv" });
    this.prepare(connection);
    await this.describeItself(connection, await connection.createOffer());
    await this.describe(connection);
  }

  async hangup() {
    const call_id = this.call.call_id;
    this.disconnect();
    await this.ask({ type: "hangup", call_id });
  }

  on_ended() {
    this.disconnect();
    this.call = null;
  }

  async switchMedia(media) {
    await this.ask({ type: "switch_media", call_id: this.call.call_id, media });
  }

  on_media_switched({ new: media, user_id }) {
    this.call.media = media;
    this.show(media === "video" && user_id === this.settings.user_id);
  }

  async openCamera() {
    this.show(true);
    await this.ask({ type: "set_media", call_id: this.call.call_id, audio: true, video: true });
  }

  // --- the connection -----------------------------------------------------------------------------------------

  connect(generation) {
    this.disconnect();
    const connection = new RTCPeerConnection();
    Object.assign(connection, { generation, waiting: [], began: performance.now() });
    connection.onicecandidate = ({ candidate }) => { if (!this.settings.complete) this.trickle(connection, candidate); };
    connection.ontrack = ({ track }) => this.play(connection, track);
    connection.onconnectionstatechange = () => this.report(connection);
    this.connection = connection;
    return connection;
  }

  /* Our tracks and codecs into the lines that have been negotiated or are about to be. */
  prepare(connection) {
    for (const transceiver of connection.getTransceivers()) {
      const kind = transceiver.receiver.track.kind;
      transceiver.direction = "sendrecv";
      transceiver.sender.replaceTrack(kind === "audio" || this.call.camera ? this.tracks[kind] : null);
      if (kind === "video" && this.settings.codecs) transceiver.setCodecPreferences(this.preferred());
    }
  }

  preferred() {
    const names = ["rtx", ...this.settings.codecs].map((name) => `video/${name}`.toLowerCase());
    return RTCRtpReceiver.getCapabilities("video").codecs.filter((c) => names.includes(c.mimeType.toLowerCase()));
  }

  async describe(connection) {
    if (this.settings.complete) {
      await new Promise((done) => {
        const check = () => { if (connection.iceGatheringState === "complete") done(); };
        connection.onicegatheringstatechange = check;
        check();
      });
    }
    const { type, sdp } = connection.localDescription;
    this.signal(connection, type, { sdp });
    if (this.settings.complete) this.trickle(connection, null);
  }

  trickle(connection, candidate) {
    this.signal(connection, "candidate", {
      candidate: candidate && candidate.candidate,
      sdp_mid: candidate && candidate.sdpMid,
      sdp_m_line_index: candidate && candidate.sdpMLineIndex,
    });
  }

  signal(connection, kind, fields) {
    if (connection !== this.connection) return;
    const { call_id, peer } = this.call;
    this.tell({ type: "signal", call_id, to: peer, kind, generation: connection.generation, ...fields });
  }

  async on_signaled({ call_id, kind, generation, sdp, candidate, sdp_mid, sdp_m_line_index }) {
    if (!this.call || call_id !== this.call.call_id) return;
    if (kind === "offer") return this.answer(generation, sdp);
    const connection = this.connection;
    if (!connection || connection.generation !== generation) return;
    const found = candidate && { candidate, sdpMid: sdp_mid, sdpMLineIndex: sdp_m_line_index };
    if (kind === "answer") await this.agree(connection, { type: "answer", sdp });
    else if (connection.remoteDescription) await connection.addIceCandidate(found || undefined);
    else connection.waiting.push(found || undefined);
  }

  async answer(generation, sdp) {
    if (this.connection && this.connection.generation > generation) return;
    const connection = this.connect(generation);
    await this.agree(connection, { type: "offer", sdp });
    this.prepare(connection);
    await this.describeItself(connection, await connection.createAnswer());
    await this.describe(connection);
  }

  async describeItself(connection, { type, sdp }) {
    if (this.settings.stereo) sdp = sdp.replace("useinbandfec=1", "useinbandfec=1;stereo=1;sprop-stereo=1");
    await connection.setLocalDescription({ type, sdp });
  }

  async agree(connection, description) {
    await connection.setRemoteDescription(description);
    for (const candidate of connection.waiting.splice(0)) await connection.addIceCandidate(candidate);
  }

  report(connection) {
    if (connection !== this.connection || connection.connectionState !== "connected") return;
    connection.connectedAfter = performance.now() - connection.began;
    this.tell({ type: "peer_report", call_id: this.call.call_id, user_id: this.call.peer, up: true });
  }

  disconnect() {
    if (this.connection) this.connection.close();
    this.connection = null;
  }

  // --- sound and picture --------------------------------------------------------------------------------------

  async openDevices() {
    const stream = this.settings.capture === "drawn" ? this.draw() : await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      video: { width: 640, height: 360 },
    });
    this.tracks = { audio: stream.getAudioTracks()[0], video: stream.getVideoTracks()[0] };
  }

  /* Sines of 1000 Hz left and 1500 Hz right, or with `stereo` false the first one only, and a bar that wanders: no device is asked for, so the browser hides our addresses. */
  draw() {
    const context = new AudioContext();
    const tones = this.settings.stereo ? [1000, 1500] : [1000];
    const merger = new ChannelMergerNode(context, { numberOfInputs: tones.length });
    tones.forEach((frequency, ear) => {
      const oscillator = new OscillatorNode(context, { frequency });
      oscillator.connect(new GainNode(context, { gain: 0.25 })).connect(merger, 0, ear);
      oscillator.start();
    });
    const destination = context.createMediaStreamDestination();
    merger.connect(destination);
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
    const paper = canvas.getContext("2d");
    let at = 0;
    setInterval(() => {
      paper.fillStyle = "black";
      paper.fillRect(0, 0, 640, 360);
      paper.fillStyle = "white";
      paper.fillRect(at = (at + 8) % 640, 0, 64, 360);
    }, 50);
    return new MediaStream([...destination.stream.getTracks(), ...canvas.captureStream(20).getTracks()]);
  }

  show(open) {
    this.call.camera = open;
    const sender = this.connection.getTransceivers().find((t) => t.receiver.track.kind === "video").sender;
    sender.replaceTrack(open ? this.tracks.video : null);
  }

  play(connection, track) {
    const stream = new MediaStream([track]);
    if (track.kind === "video") {
      document.getElementById("far").srcObject = stream;
      return;
    }
    document.getElementById("sound").srcObject = stream; // without a player no samples reach the analyser
    if (this.ears) this.ears.close();
    this.ears = new AudioContext();
    this.analyser = new AnalyserNode(this.ears, { fftSize: 16384, smoothingTimeConstant: 0 });
    const source = this.ears.createMediaStreamSource(stream);
    const splitter = new ChannelSplitterNode(this.ears, { numberOfOutputs: 2 });
    source.connect(this.analyser);
    source.connect(splitter);
    this.sides = [0, 1].map((ear) => {
      const side = new AnalyserNode(this.ears, { fftSize: 16384, smoothingTimeConstant: 0 });
      splitter.connect(side, ear);
      return side;
    });
  }

  /* Hz of the loudest partial of what was heard in the last third of a second; 0 for silence. */
  pitch() {
    if (!this.analyser) return 0;
    const bins = new Float32Array(this.analyser.frequencyBinCount);
    this.analyser.getFloatFrequencyData(bins);
    const loudest = bins.reduce((best, level, bin) => (level > bins[best] ? bin : best), 0);
    return bins[loudest] < -60 ? 0 : (loudest * this.ears.sampleRate) / this.analyser.fftSize;
  }

  /* How loud a tone is in the left and in the right ear, dB. */
  levels(hertz) {
    if (!this.sides) return [-120, -120];
    return this.sides.map((side) => {
      const bins = new Float32Array(side.frequencyBinCount);
      side.getFloatFrequencyData(bins);
      const at = Math.round((hertz * side.fftSize) / this.ears.sampleRate);
      return Math.max(...bins.slice(at - 2, at + 3), -120);
    });
  }

  /* By how many dB it is louder in the left ear than in the right one. */
  leaning(hertz) {
    const [left, right] = this.levels(hertz);
    return left - right;
  }

  /* The next `count` pictures that are shown: [{width, height, luma: base64}]. */
  async pictures(count) {
    const video = document.getElementById("far");
    const seen = [];
    while (seen.length < count) {
      await new Promise((done) => video.requestVideoFrameCallback(done));
      seen.push(readPicture(video));
    }
    return seen;
  }

  async stats() {
    return [...(await this.connection.getStats()).values()];
  }

  /* Wait until `condition(this)`, which may be async, holds; resolves with what it gave. */
  async until(condition, seconds = 20) {
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      const value = await condition(this);
      if (value) return value;
      await new Promise((done) => setTimeout(done, RESOLUTION_MS));
    }
    throw new Error(`not within ${seconds} s: ${condition}; ${this.errors}; ${JSON.stringify(this.log)}`);
  }
}

function readPicture(video) {
  const { videoWidth: width, videoHeight: height } = video;
  const paper = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  paper.drawImage(video, 0, 0);
  const { data } = paper.getImageData(0, 0, width, height);
  let text = "";
  for (let at = 1; at < data.length; at += 4) text += String.fromCharCode(data[at]); // green is close to luma
  return { width, height, luma: btoa(text) };
}
