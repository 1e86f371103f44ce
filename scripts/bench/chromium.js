// One end of a measured call in a page: sends what the other peers send, notes what arrives. Driven by chromium_peer.py.
"use strict";

const WIDTH = 1280, HEIGHT = 720, FPS = 30, RATE = 48000, BLOCK = 960;
const COLUMNS = 46, ROWS = 2, TICKS = 10000, WHITE = 235, BLACK = 16, MIDDLE = 126;
const KEEP_EVERY = 0.95, LATEST = 0.1;
const seconds = () => (performance.timeOrigin + performance.now()) / 1000;
const pause = (ms) => new Promise((done) => setTimeout(done, Math.max(0, ms)));

// --- the stamp of pycall.media.stamp

function crc(bytes) {
  let value = 0xffff;
  for (const byte of bytes) {
    value ^= byte << 8;
    for (let i = 0; i < 8; i++) value = (value & 0x8000 ? (value << 1) ^ 0x1021 : value << 1) & 0xffff;
  }
  return value;
}

function bigEndian(value, count) {
  const bytes = [];
  for (let i = 0; i < count; i++, value = Math.floor(value / 256)) bytes.unshift(value % 256);
  return bytes;
}

function drawStamp(luma, number, at) {
  const body = [...bigEndian(number, 3), ...bigEndian(Math.floor(at * TICKS), 6)];
  const bytes = [...body, ...bigEndian(crc(body), 2)];
  const step = Math.round(HEIGHT / 45), half = COLUMNS - 2;
  for (let row = 0; row < ROWS; row++) {
    const line = new Uint8Array(WIDTH);
    for (let x = 0; x < WIDTH; x++) {
      const column = Math.floor((x * COLUMNS) / WIDTH), bit = row * half + column - 1;
      const post = column === 0 || column === COLUMNS - 1;
      line[x] = post || (bytes[bit >> 3] >> (7 - (bit & 7))) & 1 ? WHITE : BLACK;
    }
    for (let y = row * step; y < (row + 1) * step; y++) luma.set(line, y * WIDTH);
  }
}

function readStamp(luma, width, height) {
  const step = Math.round(height / 45), cell = width / COLUMNS, bytes = new Uint8Array(11), half = COLUMNS - 2;
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      let sum = 0;
      for (let i = 0; i < 4; i++) {
        const y = Math.floor((row + 0.3 + (0.4 * i) / 3) * step);
        for (let j = 0; j < 4; j++) sum += luma[y * width + Math.floor((column + 0.3 + (0.4 * j) / 3) * cell)];
      }
      const white = sum / 16 > MIDDLE;
      if (column === 0 || column === COLUMNS - 1) {
        if (!white) return null;
      } else if (white) {
        const bit = row * half + column - 1;
        bytes[bit >> 3] |= 128 >> (bit & 7);
      }
    }
  }
  const value = (from, to) => bytes.slice(from, to).reduce((sum, byte) => sum * 256 + byte, 0);
  return crc(bytes.slice(0, 9)) === value(9, 11) ? { number: value(0, 3), time: value(3, 9) / TICKS } : null;
}

// --- one end

class End {
  async prepare(role) {
    this.role = role;
    this.began = 0;
    this.keeping = false;
    this.nextKeep = 0;
    this.pictures = [];
    this.times = [];
    this.pieces = [];
    this.firstPicture = this.firstSound = null;
    this.speech = new Int16Array(await (await fetch("speech")).arrayBuffer());
    if (role.pictures) {
      this.order = await (await fetch("order.json")).json();
      this.clip = await (await fetch("pictures.yuv")).arrayBuffer();
    }
    this.connection = new RTCPeerConnection();
    this.connection.ontrack = ({ track }) => (track.kind === "video" ? this.see(track) : this.hear(track));
  }

  addTracks() {
    const sound = new MediaStreamTrackGenerator({ kind: "audio" });
    this.connection.addTrack(sound, new MediaStream([sound]));
    this.speak(sound.writable.getWriter());
    if (this.role.pictures) {
      const picture = new MediaStreamTrackGenerator({ kind: "video" });
      const sender = this.connection.addTrack(picture, new MediaStream([picture]));
      if (this.role.full_size) this.keepSize(sender);
      this.film(picture.writable.getWriter());
    } else if (this.role.offers) this.connection.addTransceiver("video", { direction: "recvonly" });
    const wanted = ["video/" + this.role.codec, "video/rtx"];
    const codecs = RTCRtpReceiver.getCapabilities("video").codecs.filter((c) => wanted.includes(c.mimeType));
    for (const transceiver of this.connection.getTransceivers())
      if (transceiver.receiver.track.kind === "video") transceiver.setCodecPreferences(codecs);
  }

  async keepSize(sender) {
    const parameters = sender.getParameters();
    parameters.degradationPreference = "maintain-resolution";
    await sender.setParameters(parameters);
  }

  async described(description) {
    await this.connection.setLocalDescription(description);
    while (this.connection.iceGatheringState !== "complete") await pause(1);
    return { type: this.connection.localDescription.type, sdp: this.connection.localDescription.sdp };
  }

  async open() {
    if (!this.role.offers) return null;
    this.addTracks();
    return await this.described(await this.connection.createOffer());
  }

  async signal(message) {
    await this.connection.setRemoteDescription(message);
    if (this.role.offers) return null;
    this.addTracks();
    return await this.described(await this.connection.createAnswer());
  }

  async speak(writer) {
    this.began = seconds();
    const start = performance.now(), blocks = Math.floor(this.speech.length / BLOCK);
    for (let number = 0; ; number++) {
      await pause(start + number * 20 - performance.now());
      const at = (number % blocks) * BLOCK;
      const fields = { format: "s16", sampleRate: RATE, numberOfFrames: BLOCK, numberOfChannels: 1 };
      const data = this.speech.slice(at, at + BLOCK);
      writer.write(new AudioData({ ...fields, timestamp: number * 20000, data }));
    }
  }

  async film(writer) {
    const start = performance.now(), size = (WIDTH * HEIGHT * 3) / 2;
    for (let number = 0; ; number++) {
      const late = (performance.now() - start) / 1000 - number / FPS;
      if (late > LATEST) number += Math.floor(late * FPS);
      await pause(start + (number * 1000) / FPS - performance.now());
      const from = this.order[number % this.order.length] * size;
      const picture = new Uint8Array(this.clip.slice(from, from + size));
      drawStamp(picture, number, seconds());
      const fields = { format: "I420", codedWidth: WIDTH, codedHeight: HEIGHT };
      const timestamp = Math.round(performance.now() * 1000);
      writer.write(new VideoFrame(picture, { ...fields, timestamp, transfer: [picture.buffer] }));
    }
  }

  async see(track) {
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    for (;;) {
      const { value: frame, done } = await reader.read();
      if (done) return;
      await this.saw(frame);
      frame.close();
    }
  }

  async saw(frame) {
    const now = seconds(), width = frame.visibleRect.width, height = frame.visibleRect.height;
    const keep = this.keeping && now >= this.nextKeep;
    const lines = keep ? height : 4 * Math.ceil(height / 90);
    const rect = { x: 0, y: 0, width, height: Math.min(height, lines + (lines & 1)) };
    const bytes = new Uint8Array(frame.allocationSize({ rect }));
    await frame.copyTo(bytes, { rect, layout: this.layout(frame, rect) });
    const stamp = readStamp(bytes, width, height);
    this.firstPicture ??= now;
    this.pictures.push([now, stamp ? stamp.number : -1, stamp ? stamp.time : 0, width, height]);
    if (keep && stamp) {
      this.nextKeep = now + KEEP_EVERY;
      const body = bytes.slice(0, width * height);
      fetch(`luma?number=${stamp.number}&width=${width}&height=${height}`, { method: "POST", body });
    }
  }

  layout(frame, { width, height }) {
    const chroma = { offset: width * height, stride: width };
    if (frame.format === "NV12") return [{ offset: 0, stride: width }, chroma];
    const half = width / 2, second = { offset: width * height + (half * height) / 2, stride: half };
    return [{ offset: 0, stride: width }, { ...chroma, stride: half }, second];
  }

  async hear(track) {
    document.getElementById("speaker").srcObject = new MediaStream([track]);
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    for (;;) {
      const { value: data, done } = await reader.read();
      if (done) return;
      this.firstSound ??= seconds();
      const samples = new Float32Array(data.numberOfFrames);
      data.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      this.times.push(seconds());
      this.pieces.push(Int16Array.from(samples, (x) => Math.max(-32768, Math.min(32767, Math.round(x * 32768)))));
      data.close();
    }
  }

  async totals() {
    const found = { bytes_out: 0 };
    for (const stats of (await this.connection.getStats()).values()) {
      if (stats.type === "transport") found.bytes_out = stats.bytesSent;
      if (stats.type === "inbound-rtp" && stats.kind === "audio")
        Object.assign(found, { concealed: stats.concealedSamples || 0, played: stats.totalSamplesReceived || 0 });
      if (stats.type === "candidate-pair" && stats.nominated) found.target = stats.availableOutgoingBitrate || 0;
    }
    return found;
  }

  firsts() {
    return { first_picture: this.firstPicture, first_sound: this.firstSound, began: this.began };
  }

  async collect() {
    const samples = new Blob(this.pieces);
    await fetch("sound", { method: "POST", body: samples });
    return { pictures: this.pictures, times: this.times, lengths: this.pieces.map((piece) => piece.length) };
  }
}

window.end = new End();
