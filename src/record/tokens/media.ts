import { stringAt, type JsonObject } from '../../kernel/json.ts';

const PIXELS_PER_TOKEN = 750;
const MIN_IMAGE_TOKENS = 85;
const MAX_IMAGE_TOKENS = 3000;
const UNKNOWN_IMAGE_TOKENS = 1000;
const AUDIO_TOKENS_PER_SECOND = 32;
/** 16 bits at 16 kHz. */
const RAW_AUDIO_BYTES_PER_SECOND = 32_000;
/** 128 kbit/s. */
const PACKED_AUDIO_BYTES_PER_SECOND = 16_000;
const BYTES_PER_TOKEN = 4;

/** About how many tokens base64 data stands for, by its type; always an estimate. */
export function mediaTokens(data: string, mimeType: string): number {
  if (mimeType.startsWith('image/')) return imageTokens(data);
  const bytes = Math.floor((data.length * 3) / 4);
  if (mimeType.startsWith('audio/')) return audioTokens(bytes, mimeType);
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

/** About how many tokens an item of a content stands for; undefined where it is neither image nor audio. */
export function itemTokens(item: JsonObject): number | undefined {
  const { type } = item;
  if (type !== 'image' && type !== 'audio') return undefined;
  return mediaTokens(stringAt(item, 'data') ?? '', `${type}/${stringAt(item, 'mimeType') ?? ''}`);
}

function audioTokens(bytes: number, mimeType: string): number {
  const isRaw = /wav|l16|pcm/iu.test(mimeType);
  const rate = isRaw ? RAW_AUDIO_BYTES_PER_SECOND : PACKED_AUDIO_BYTES_PER_SECOND;
  return Math.ceil((bytes / rate) * AUDIO_TOKENS_PER_SECOND);
}

/** A pixel in 750, where the header tells the size; larger images are scaled down before they are read. */
function imageTokens(data: string): number {
  const pixels = pixelsOf(Buffer.from(data.slice(0, HEADER_CHARS), 'base64'));
  if (pixels === undefined) return UNKNOWN_IMAGE_TOKENS;
  const tokens = Math.ceil(pixels / PIXELS_PER_TOKEN);
  return Math.min(MAX_IMAGE_TOKENS, Math.max(MIN_IMAGE_TOKENS, tokens));
}

/** JPEG says its size after thumbnails and colour profiles. */
const HEADER_CHARS = 87_380;
const PNG = 0x89_50_4e_47;
const GIF = 0x47_49_46_38;
const JPEG = 0xff_d8;

function pixelsOf(header: Buffer): number | undefined {
  if (header.length < 24) return undefined;
  const magic = header.readUInt32BE(0);
  if (magic === PNG) return header.readUInt32BE(16) * header.readUInt32BE(20);
  if (magic === GIF) return header.readUInt16LE(6) * header.readUInt16LE(8);
  return header.readUInt16BE(0) === JPEG ? pixelsOfJpeg(header) : undefined;
}

/** Segments one after the other until a start of frame, which is any of C0 to CF but three. */
function pixelsOfJpeg(header: Buffer): number | undefined {
  for (let at = 2; at + 9 <= header.length;) {
    const marker = header.readUInt16BE(at);
    if (marker < 0xff_c0) return undefined;
    const isFrame = marker <= 0xff_cf && ![0xff_c4, 0xff_c8, 0xff_cc].includes(marker);
    if (isFrame) return header.readUInt16BE(at + 5) * header.readUInt16BE(at + 7);
    at += 2 + header.readUInt16BE(at + 2);
  }
  return undefined;
}
