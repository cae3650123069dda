import assert from 'node:assert/strict';
import test from 'node:test';
import type { JWTPayload } from 'jose';
import { assertServes } from '../support/attack-gateway.ts';
import { tokenSceneForFile } from '../support/attack-issuer.ts';
import { AUDIENCE } from '../support/oidc.ts';

/** A token made for somebody else is no token here, whoever signed it: a server that got one from its user must not use it elsewhere. */

const { gateway, provider, claims, present, refused } = await tokenSceneForFile();
const ORIGIN = new URL(AUDIENCE).origin;

test('a token that the provider granted for another resource proves nobody', async () => {
  for (const resource of ['https://other.example/mcp', 'https://mcpx.example.attacker.example/mcp'])
    await refused(await provider.grant('read', resource));
});

test('an audience that only looks like this gateway, or is none, is not this gateway', async () => {
  const tokens = [
    undefined,
    null,
    '',
    [],
    [''],
    ['https://other.example'],
    'https://other.example/mcp',
    'https://mcpx.example.attacker.example/mcp',
    'https://attacker.example/https://mcpx.example/mcp',
    'https://mcpx.example@attacker.example/mcp',
    'https://MCPX.example/mcp',
    'https://mcpx.example:444/mcp',
    'https://mcpx.example/mcp/../mcp',
    'https://mcpx.example/other',
    'https://mcpx.example/mcp other',
    'http://mcpx.example/mcp',
    'mcpx.example',
    '*',
    'https://mcpx.example/*',
    { aud: AUDIENCE },
    { [AUDIENCE]: true },
    [[AUDIENCE]],
    0,
    true,
  ].map((aud) => provider.sign(claims({ aud } as unknown as JWTPayload)));
  await refused(...(await Promise.all(tokens)));
});

test('what stands in for an audience elsewhere does not here', async () => {
  const tokens = [
    { azp: AUDIENCE },
    { client_id: AUDIENCE },
    { resource: AUDIENCE },
    { scope: AUDIENCE },
    { audience: AUDIENCE },
    { AUD: AUDIENCE },
  ].map((changes) => provider.sign(claims({ aud: 'https://other.example', ...changes })));
  await refused(...(await Promise.all(tokens)));
});

test('a token of an issuer that only looks like the one that is believed proves nobody', async () => {
  const { issuer, port } = provider;
  const known = [
    `${issuer}/`,
    `${issuer}#`,
    `${issuer}?`,
    issuer.toUpperCase(),
    `http://localhost:${port}`,
    `http://127.0.0.1:${port}@attacker.example`,
    `http://127.0.0.1:0${port}`,
    'https://attacker.example',
    '',
    '__proto__',
    'constructor',
    undefined,
    null,
    [issuer],
    { issuer },
    0,
  ].map((iss) => provider.sign(claims({ iss } as unknown as JWTPayload)));
  await refused(...(await Promise.all(known)));
});

test('the audiences that name this gateway are accepted, among others too', async () => {
  for (const aud of [AUDIENCE, ORIGIN, `${ORIGIN}/`, ['https://other.example', AUDIENCE]]) {
    const { status, text } = await present(await provider.sign(claims({ aud })));
    assert.equal(status, 200, text);
  }
  await assertServes(gateway);
});
