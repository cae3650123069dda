import assert from 'node:assert/strict';
import { connect } from 'node:net';
import test from 'node:test';
import { modernSent } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { gatewayForFile } from '../support/raw-gateway.ts';
import { send } from '../support/raw-http.ts';

const gateway = await gatewayForFile({ app: 'sse: { afterMs: 50 }\n' });

/** A whole request as it stands on the wire, or the beginning of one. */
function requestOf(args: object, cut?: number): string {
  const { headers, body } = modernSent('tools/call', {
    name: 'it__fixture_slow',
    arguments: args,
  });
  const text = JSON.stringify(body);
  const lines = Object.entries({
    ...headers,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': String(text.length),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${gateway.port}\r\n${lines.join('')}\r\n${text.slice(0, cut)}`;
}

test('bytes that are no HTTP, sent behind a call whose stream is open, put nothing into that stream', async () => {
  let got = '';
  let isClosed = false;
  const socket = connect(gateway.port, '127.0.0.1', () =>
    socket.write(requestOf({ ms: 3000, progressEveryMs: 100 })),
  );
  socket.setEncoding('latin1').on('data', (chunk: string) => (got += chunk));
  socket.on('error', () => undefined).on('close', () => (isClosed = true));
  await eventually('the stream was open', () => /event-stream[^]*\r\n\r\n/u.test(got));
  socket.write('\0 this is no HTTP \r\n\r\n');
  await eventually('the connection was closed', () => isClosed);
  assert.equal(got.split('HTTP/1.1 ').length, 2, got.slice(-500));
  assert.doesNotMatch(got, /not valid HTTP/u);
});

test('a client that goes away in the midst of its body is no crash of the gateway', async () => {
  const before = gateway.output().length;
  let got = '';
  const socket = connect(gateway.port, '127.0.0.1', () =>
    socket.write(requestOf({}, 0).replace('host:', 'expect: 100-continue\r\nhost:')),
  );
  socket.setEncoding('latin1').on('data', (chunk: string) => (got += chunk));
  socket.on('error', () => undefined);
  // The gateway waits for the body from now on.
  await eventually('the body was asked for', () => got.startsWith('HTTP/1.1 100'));
  socket.resetAndDestroy();
  const written = (): string => gateway.output().slice(before);
  await send(gateway.port, modernSent('tools/list'));
  await eventually('what came after it was logged', () => written().includes('tools/list'));
  assert.doesNotMatch(written(), /crashed|aborted/u);
});
