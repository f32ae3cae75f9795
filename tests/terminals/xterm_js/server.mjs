// Serves one terminal page and runs the program given on the command line in it; prints its address.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const modules = process.env.XTERM_JS_MODULES;
const require = createRequire(join(modules, 'index.js'));
const pty = require('node-pty');
const { WebSocketServer } = require('ws');

const files = {
  '/xterm.js': '@xterm/xterm/lib/xterm.js',
  '/xterm.css': '@xterm/xterm/css/xterm.css',
  '/image.js': '@xterm/addon-image/lib/addon-image.js',
};
const page = `<!doctype html><meta charset="utf-8"><title>xterm.js</title>
<link rel="stylesheet" href="/xterm.css"><style>body { margin: 0; background: #000 }</style>
<div id="terminal"></div><script src="/xterm.js"></script><script src="/image.js"></script><script>
const terminal = new Terminal({
  cols: 115, rows: 42, fontFamily: 'DejaVu Sans Mono', fontSize: 14, allowProposedApi: true,
  windowOptions: { getWinSizePixels: true, getCellSizePixels: true, getWinSizeChars: true },
});
terminal.loadAddon(new ImageAddon.ImageAddon());
terminal.open(document.getElementById('terminal'));
terminal.focus();
const socket = new WebSocket('ws://' + location.host);
socket.binaryType = 'arraybuffer';
socket.onmessage = ({ data }) => terminal.write(new Uint8Array(data));
terminal.onData((text) => socket.send(new TextEncoder().encode(text)));
terminal.onBinary((text) => socket.send(Uint8Array.from(text, (c) => c.charCodeAt(0))));
</script>`;

const server = createServer((request, response) => {
  if (request.url === '/') {
    response.setHeader('content-type', 'text/html').end(page);
  } else if (files[request.url]) {
    const kind = request.url.endsWith('.css') ? 'text/css' : 'text/javascript';
    response.setHeader('content-type', kind).end(readFileSync(join(modules, 'node_modules', files[request.url])));
  } else {
    response.writeHead(404).end();
  }
});
new WebSocketServer({ server }).on('connection', (socket) => {
  const [program, ...rest] = process.argv.slice(2);
  const child = pty.spawn(program, rest, {
    name: 'xterm-256color', cols: 115, rows: 42, encoding: null, env: { ...process.env, COLORTERM: 'truecolor' },
  });
  child.onData((bytes) => socket.send(bytes));
  child.onExit(() => process.exit(0));
  socket.on('message', (bytes) => child.write(bytes));
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
