import { generateKeyPairSync, sign } from 'node:crypto';

/** A certificate and its private key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT = 0x06;
const UTF8 = 0x0c;
const UTC_TIME = 0x17;
const IP_NAME = 0x87;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

const DAY_MS = 86_400_000;
const COMMON_NAME = '550403';
const ALTERNATIVE_NAME = '551d11';
const ECDSA_WITH_SHA256 = '2a8648ce3d040302';

/** One element of DER (X.690): tag, length, content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

function object(hex: string): Buffer {
  return der(OBJECT, Buffer.from(hex, 'hex'));
}

function time(date: Date): Buffer {
  const text = date.toISOString().replaceAll(/[-:T]/gu, '').slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${text}Z`));
}

/** What may be wrong with a certificate. */
export interface CertificateTerms {
  /** The last octet of the address on 127.0.0.0/24 that it is for. */
  readonly host?: number;
  /** Days until it ends; negative: since it ended. */
  readonly days?: number;
}

/** A new self-signed certificate, for 127.0.0.1 unless told otherwise, with this common name (RFC 5280). */
export function selfSigned(commonName: string, terms: CertificateTerms = {}): Certificate {
  const { host = 1, days = 1 } = terms;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(SEQUENCE, object(ECDSA_WITH_SHA256));
  const attribute = der(SEQUENCE, object(COMMON_NAME), der(UTF8, Buffer.from(commonName)));
  const name = der(SEQUENCE, der(SET, attribute));
  const begin = new Date(Date.now() - 10 * DAY_MS);
  const end = new Date(Date.now() + days * DAY_MS);
  const address = der(SEQUENCE, der(IP_NAME, Buffer.from([127, 0, 0, host])));
  const alternative = der(SEQUENCE, object(ALTERNATIVE_NAME), der(OCTET_STRING, address));
  const body = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1])),
    algorithm,
    name,
    der(SEQUENCE, time(begin), time(end)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(EXTENSIONS, der(SEQUENCE, alternative)),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)]);
  const whole = der(SEQUENCE, body, algorithm, der(BIT_STRING, signature));
  const lines = whole.toString('base64').replaceAll(/.{64}/gu, '$&\n').trim();
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
