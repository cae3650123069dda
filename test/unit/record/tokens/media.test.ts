import assert from 'node:assert/strict';
import test from 'node:test';

import { itemTokens, mediaTokens } from '../../../../src/record/tokens/media.ts';

function png(width: number, height: number): string {
  const header = Buffer.alloc(64);
  header.writeUInt32BE(0x89_50_4e_47, 0);
  header.writeUInt32BE(width, 16);
  header.writeUInt32BE(height, 20);
  return header.toString('base64');
}

function gif(width: number, height: number): string {
  const header = Buffer.alloc(32);
  header.write('GIF89a', 'latin1');
  header.writeUInt16LE(width, 6);
  header.writeUInt16LE(height, 8);
  return header.toString('base64');
}

/** A JPEG with a colour profile before the start of its frame. */
function jpeg(width: number, height: number): string {
  const profile = Buffer.alloc(2 + 4000);
  profile.writeUInt16BE(0xff_e2, 0);
  profile.writeUInt16BE(4000, 2);
  const frame = Buffer.alloc(40);
  frame.writeUInt16BE(0xff_c2, 0);
  frame.writeUInt16BE(17, 2);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), profile, frame]).toString('base64');
}

test('an image is a token for 750 pixels, by the size its header tells', () => {
  for (const make of [png, gif, jpeg]) {
    assert.equal(mediaTokens(make(1000, 750), 'image/x'), 1000, make.name);
    assert.equal(mediaTokens(make(10, 10), 'image/x'), 85, make.name);
    assert.equal(mediaTokens(make(4032, 3024), 'image/x'), 3000, make.name);
  }
});

test('an image whose size cannot be read is a thousand tokens', () => {
  for (const data of ['', 'AAAA', Buffer.alloc(100).toString('base64'), '%%%'])
    assert.equal(mediaTokens(data, 'image/webp'), 1000);
  assert.equal(mediaTokens(jpeg(100, 100).slice(0, 400), 'image/jpeg'), 1000);
});

test('audio is 32 tokens a second, at 32 kB a second where it is raw and 16 kB where it is not', () => {
  const second = Buffer.alloc(32_000).toString('base64');
  assert.equal(mediaTokens(second, 'audio/wav'), 33);
  assert.equal(mediaTokens(second, 'audio/mpeg'), 65);
});

test('any other data is a token for four bytes', () => {
  assert.equal(mediaTokens(Buffer.alloc(3000).toString('base64'), 'application/pdf'), 750);
});

test('an item is image or audio by its type, whatever its MIME type', () => {
  assert.equal(itemTokens({ type: 'image', data: png(750, 100), mimeType: 'image/png' }), 100);
  assert.equal(itemTokens({ type: 'image' }), 1000);
  assert.equal(itemTokens({ type: 'audio', data: '', mimeType: 'audio/wav' }), 0);
  assert.equal(itemTokens({ type: 'text', text: 'x' }), undefined);
});
