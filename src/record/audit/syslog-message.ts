import { recordOf } from './parsed-line.ts';

/** What is the same in all messages of one sender (RFC 5424, section 6). */
export interface SyslogSender {
  /** 0 to 23. */
  readonly facility: number;
  readonly hostName: string;
  readonly appName: string;
  readonly processId: number;
}

/** Severities (RFC 5424, section 6.2.1). */
const ERROR = 3;
const WARNING = 4;
const NOTICE = 5;
const INFORMATIONAL = 6;

const SEVERITIES: Readonly<Record<string, number>> = {
  crashed: ERROR,
  lost: ERROR,
  'chain-lost': ERROR,
  refused: WARNING,
  'turned-away': WARNING,
  'timed-out': WARNING,
  error: NOTICE,
  'tool-error': NOTICE,
  cancelled: NOTICE,
  'config-changed': NOTICE,
  'key-created': NOTICE,
  'key-revoked': NOTICE,
  retired: NOTICE,
};

const MAX_HOST_CHARS = 255;
const MAX_ID_CHARS = 32;

/**
 * One line of the audit as a message of RFC 5424. Its MSGID is the outcome, or the name of the event, its text the line as it
 * is; where that would be longer than `maxBytes`, the line without the arguments, marked `"cut":true`.
 */
export function syslogMessage(line: string, sender: SyslogSender, maxBytes: number): string {
  const id = /"(?:outcome|event)":"([!-~]{1,64}?)"/.exec(line)?.[1] ?? '';
  const at = /"at":"([^"]{20,30})"/.exec(line)?.[1] ?? '-';
  const priority = sender.facility * 8 + (SEVERITIES[id] ?? INFORMATIONAL);
  const head = [
    `<${priority}>1`,
    at,
    printable(sender.hostName, MAX_HOST_CHARS),
    sender.appName,
    String(sender.processId),
    printable(id, MAX_ID_CHARS),
    '-',
  ].join(' ');
  const message = `${head} ${line}`;
  return Buffer.byteLength(message) <= maxBytes ? message : `${head} ${shortened(line, maxBytes)}`;
}

/** Printable ASCII without spaces, or the dash that stands for nothing. */
function printable(text: string, maxChars: number): string {
  return text.replaceAll(/[^!-~]/g, '').slice(0, maxChars) || '-';
}

function shortened(line: string, maxBytes: number): string {
  const { arguments: _given, judgedArguments: _judged, ...rest } = recordOf(line) ?? {};
  const text = JSON.stringify({ ...rest, cut: true });
  // Room for what stands before it.
  if (Buffer.byteLength(text) <= maxBytes - MAX_HEAD_BYTES) return text;
  const { seq, prev, at, id, outcome } = rest;
  return JSON.stringify({ seq, prev, at, id, outcome, cut: true });
}

const MAX_HEAD_BYTES = 512;
