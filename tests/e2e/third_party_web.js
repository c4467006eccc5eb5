// SPDX-License-Identifier: Apache-2.0
// Parties of a voice application, with the `ws` library:
//   client URL FILE.wav pcm|twilio MILLISECONDS [deflate]   plays a file of 8 kHz in messages of so many milliseconds
//   server PORT SINK_URL    what comes to /pcm goes to SINK_URL as Twilio's JSON, and to GET /events in hex, 100 ms an
//                           event; what comes to /twilio goes to SINK_URL as binary PCM16
//   sink PORT               takes everything
'use strict';
const fs = require('fs');
const http = require('http');
const WebSocket = require('ws');

function muLawDecode(code) {
  const c = ~code & 0xff;
  const magnitude = (((c & 15) << 3) + 132 << (c >> 4 & 7)) - 132;
  return c & 0x80 ? -magnitude : magnitude;
}

function muLawEncode(sample) {
  const magnitude = Math.min(Math.abs(sample), 32635) + 132;
  const exponent = 31 - Math.clz32(magnitude) - 7;
  return ~((sample < 0 ? 0x80 : 0) | exponent << 4 | magnitude >> exponent + 3 & 15) & 0xff;
}

function toMuLaw(pcm) {
  return Buffer.from(Array.from({ length: pcm.length / 2 }, (_, i) => muLawEncode(pcm.readInt16LE(2 * i))));
}

function toPcm(muLaw) {
  const pcm = Buffer.alloc(2 * muLaw.length);
  muLaw.forEach((code, i) => pcm.writeInt16LE(muLawDecode(code), 2 * i));
  return pcm;
}

function twilio(muLaw, chunk) {
  return JSON.stringify({
    event: 'media', sequenceNumber: String(chunk + 1), streamSid: 'MZ0123456789abcdef0123456789abcdef',
    media: { track: 'inbound', chunk: String(chunk), timestamp: String(20 * chunk), payload: muLaw.toString('base64') },
  });
}

function client(url, file, format, milliseconds, deflate) {
  const pcm = fs.readFileSync(file).subarray(44);
  const size = 16 * milliseconds;
  const perMessageDeflate = deflate ? { threshold: 0 } : false;
  const socket = new WebSocket(url, { perMessageDeflate });
  const start = performance.now();
  const send = (n) => {
    const part = pcm.subarray(n * size, (n + 1) * size);
    if (part.length < size) return socket.close();
    socket.send(format === 'twilio' ? twilio(toMuLaw(part), n) : part);
    setTimeout(send, start + (n + 1) * milliseconds - performance.now(), n + 1);
  };
  socket.on('open', () => {
    if (deflate && !socket.extensions.includes('permessage-deflate')) throw new Error('not deflated');
    send(0);
  });
}

function server(port, sinkUrl) {
  const listeners = new Set();
  const app = http.createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    response.flushHeaders();
    listeners.add(response);
    response.on('close', () => listeners.delete(response));
  });
  const sockets = new WebSocket.WebSocketServer({ server: app, perMessageDeflate: true });
  sockets.on('connection', (socket, request) => {
    const out = new WebSocket(sinkUrl, { perMessageDeflate: false });
    let chunk = 0;
    let held = Buffer.alloc(0);
    socket.on('message', (message) => {
      const fromTwilio = request.url === '/twilio';
      const pcm = fromTwilio ? toPcm(Buffer.from(JSON.parse(message).media.payload, 'base64')) : message;
      if (out.readyState === WebSocket.OPEN) out.send(fromTwilio ? pcm : twilio(toMuLaw(pcm), chunk++));
      if (request.url !== '/pcm') return;
      held = Buffer.concat([held, pcm]);
      for (; held.length >= 1600; held = held.subarray(1600)) {
        const data = JSON.stringify({ audio: held.subarray(0, 1600).toString('hex'), status: 1 });
        listeners.forEach((to) => to.write(`data: ${data}\n\n`));
      }
    });
    socket.on('close', () => out.close());
  });
  app.listen(port);
}

function sink(port) {
  new WebSocket.WebSocketServer({ port, perMessageDeflate: false }).on('connection', (socket) => socket.on('message', () => {}));
}

const [role, ...words] = process.argv.slice(2);
if (role === 'client') client(words[0], words[1], words[2], Number(words[3]), words[4] === 'deflate');
if (role === 'server') server(Number(words[0]), words[1]);
if (role === 'sink') sink(Number(words[0]));
