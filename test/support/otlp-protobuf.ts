/** A span as it came over the wire. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly tracestate: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  /** Nanoseconds since the epoch. */
  readonly start: string;
  readonly end: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  readonly statusMessage: string;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: string;
}

/** Field by number: whole numbers, or the bytes of all else. */
type Fields = Map<number, (bigint | Uint8Array)[]>;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** The fields of a protobuf message (protobuf.dev, "Encoding"). Throws when it is none. */
function fieldsOf(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at);
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error('a field ends behind its message');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    const all = fields.get(number) ?? [];
    fields.set(number, all);
    const wire = tag & 7;
    if (wire === VARINT) all.push(varint());
    else if (wire === FIXED64) all.push(take(8));
    else if (wire === BYTES) all.push(take(Number(varint())));
    else if (wire === FIXED32) all.push(take(4));
    else throw new Error(`no such wire type: ${wire}`);
  }
  return fields;
}

function messages(fields: Fields, number: number): Fields[] {
  return (fields.get(number) ?? []).map((value) => fieldsOf(bytesOf(value)));
}

function bytesOf(value: bigint | Uint8Array | undefined): Uint8Array {
  if (value === undefined) return new Uint8Array();
  if (typeof value === 'bigint') throw new Error('a number where bytes are expected');
  return value;
}

function textAt(fields: Fields, number: number): string {
  return Buffer.from(bytesOf(fields.get(number)?.[0])).toString('utf8');
}

function hexAt(fields: Fields, number: number): string {
  return Buffer.from(bytesOf(fields.get(number)?.[0])).toString('hex');
}

function numberAt(fields: Fields, number: number): number {
  const value = fields.get(number)?.[0] ?? 0n;
  return Number(BigInt.asIntN(64, value as bigint));
}

function nanosAt(fields: Fields, number: number): string {
  return Buffer.from(bytesOf(fields.get(number)?.[0]))
    .readBigUInt64LE()
    .toString();
}

function attributesAt(fields: Fields, number: number): Record<string, unknown> {
  const pairs = messages(fields, number).map((pair) => {
    const value = messages(pair, 2)[0];
    return [textAt(pair, 1), value === undefined ? undefined : valueOf(value)];
  });
  return Object.fromEntries(pairs) as Record<string, unknown>;
}

/** `AnyValue` of opentelemetry/proto/common/v1. */
function valueOf(value: Fields): unknown {
  if (value.has(1)) return textAt(value, 1);
  if (value.has(2)) return numberAt(value, 2) === 1;
  if (value.has(3)) return numberAt(value, 3);
  if (value.has(4)) return Buffer.from(bytesOf(value.get(4)?.[0])).readDoubleLE();
  if (value.has(5))
    return messages(value, 5).flatMap((list) => messages(list, 1).map((item) => valueOf(item)));
  throw new Error('an attribute of another kind');
}

/** The spans of an `ExportTraceServiceRequest` (opentelemetry/proto/collector/trace/v1). Throws when it is none. */
export function decodeSpans(body: Uint8Array): OtlpSpan[] {
  return messages(fieldsOf(body), 1).flatMap((group) => {
    const resource = messages(group, 1)[0];
    const common = resource === undefined ? {} : attributesAt(resource, 1);
    return messages(group, 2).flatMap((scoped) => {
      const scope = messages(scoped, 1)[0];
      const name = scope === undefined ? '' : textAt(scope, 1);
      return messages(scoped, 2).map((span) => ({
        ...spanOf(span),
        resource: common,
        scope: name,
      }));
    });
  });
}

function spanOf(span: Fields): Omit<OtlpSpan, 'resource' | 'scope'> {
  const status = messages(span, 15)[0] ?? new Map();
  return {
    traceId: hexAt(span, 1),
    spanId: hexAt(span, 2),
    tracestate: textAt(span, 3),
    parentId: hexAt(span, 4),
    name: textAt(span, 5),
    kind: numberAt(span, 6),
    start: nanosAt(span, 7),
    end: nanosAt(span, 8),
    attributes: attributesAt(span, 9),
    status: numberAt(status, 3),
    statusMessage: textAt(status, 2),
  };
}
