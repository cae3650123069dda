import assert from 'node:assert/strict';
import test from 'node:test';
import { allow, caller, isPermitted, policyOf, rule, target, type Parts } from './plans.ts';

const dev = caller();
const SHUT: Parts = { default: { base: 'block' } };

function reads(parts: Parts, uri: string, via?: string): boolean {
  const policy = policyOf(parts);
  const resource = target(
    'resource',
    `files/${uri}`,
    via === undefined ? {} : { via: ['other:///{x}', via] },
  );
  const isAllowed = isPermitted(policy.decide(dev, resource));
  assert.equal(policy.sight(dev, resource) === 'seen', isAllowed);
  return isAllowed;
}

test('a resource is allowed only if it is in every form of its URI', () => {
  const rules = [allow('r', { resources: ['files/file:///srv/*'] })];
  const open: readonly [uri: string, allowed: boolean][] = [
    ['file:///srv/a', true],
    ['file:///srv/x/../a', true],
    ['file:///srv/../etc/passwd', false],
    ['file:///srv/%2e%2e/etc/passwd', false],
    ['FILE:///srv/a', false],
    ['file:///etc/passwd', false],
    ['file:///etc/../srv/a', false],
  ];
  for (const [uri, allowed] of open) assert.equal(reads({ ...SHUT, rules }, uri), allowed, uri);
});

test('a resource is denied in any form of its URI, however it is written', () => {
  const rules = [rule('r', { resources: ['files/file:///srv/secret*'] })];
  const denied = [
    'file:///srv/secret',
    'FILE:///srv/secret',
    'file:///srv/x/../secret',
    'file:///srv/%73ecret',
    'file:///srv/%2573ecret',
    'file:///srv%2Fsecret',
    'file:///srv/x%2F..%2Fsecret',
    'file:///srv/./secret/a',
  ];
  for (const uri of denied) assert.equal(reads({ rules }, uri), false, uri);
  for (const uri of ['file:///srv/public', 'file:///srv/Secret'])
    assert.equal(reads({ rules }, uri), true, uri);
});

test('groups name URIs exactly, and know them however they are written', () => {
  const groups = { g: { files: ['file:///srv/a', 'FILE:///srv/Upper'] } };
  const blocking: Parts = { groups, default: { block: ['g'] } };
  for (const uri of ['file:///srv/a', 'file:///srv/%61', 'file:///srv/b/../a', 'file:///srv/Upper'])
    assert.equal(reads(blocking, uri), false, uri);
  assert.equal(reads(blocking, 'file:///srv/A'), true);
  const allowing: Parts = { groups, default: { allow: ['g'] } };
  assert.equal(reads(allowing, 'file:///srv/a'), true);
  assert.equal(reads(allowing, 'FILE:///srv/Upper'), true);
  for (const uri of ['file:///srv/b/../a', 'file:///srv/%61', 'file:///srv/b'])
    assert.equal(reads(allowing, uri), false, uri);
});

test('a template named in a group or a rule goes for the resources it leads to', () => {
  const via = 'file:///logs/{name}';
  const groups = { g: { files: [via] } };
  assert.equal(reads({ groups, default: { allow: ['g'] } }, 'file:///logs/a', via), true);
  assert.equal(reads({ groups, default: { allow: ['g'] } }, 'file:///logs/a'), false);
  assert.equal(reads({ groups, default: { block: ['g'] } }, 'file:///logs/a', via), false);
  const named = { resources: [`files/${via}`] };
  assert.equal(reads({ ...SHUT, rules: [allow('r', named)] }, 'file:///logs/a', via), true);
  assert.equal(reads({ rules: [rule('r', named)] }, 'file:///logs/a', via), false);
});

test('what a template allows ends where the URI leads elsewhere', () => {
  const via = 'file:///logs/{name}';
  const groups = { g: { files: [via] } };
  const escapes = [
    'file:///logs/../etc',
    'file:///logs/%2e%2e%2Fetc',
    'file:///logs/%252e%252e%252fetc',
  ];
  const rules = [allow('r', { resources: [`files/${via}`] })];
  for (const uri of [...escapes, 'file:///logs/..%5cetc']) {
    assert.equal(reads({ groups, default: { allow: ['g'] } }, uri, via), false, uri);
    assert.equal(reads({ ...SHUT, rules }, uri, via), false, uri);
  }
});

test('a pattern that only by chance fits the text of a template says nothing of its resources', () => {
  const rules = [allow('r', { resources: ['files/*name*'] })];
  assert.equal(reads({ ...SHUT, rules }, 'file:///secret', 'file:///{filename}'), false);
});

test('templates are named by their text', () => {
  const template = target('template', 'files/file:///logs/{name}');
  const groups = { g: { files: ['file:///logs/{name}'] } };
  const decides = (parts: Parts): boolean => isPermitted(policyOf(parts).decide(dev, template));
  assert.ok(decides({ groups, default: { allow: ['g'] } }));
  assert.ok(!decides({ groups, default: { block: ['g'] } }));
  assert.ok(!decides({ rules: [rule('r', { resources: ['files/file:///logs/*'] })] }));
});
