import { z } from 'zod';
import type { AuditPlan, HttpExportPlan, SyslogPlan } from '../kernel/record-plan.ts';
import type { AppValues } from './app-values.ts';
import { httpUrlFault } from './http-text.ts';
import { bytes, timer } from './quantities.ts';
import { VALUE } from './value.ts';

const MAX_FLUSH_MS = 60_000;
const SYSLOG_PORTS = { udp: 514, tcp: 601, tls: 6514 };

const SYSLOG = z.strictObject({
  host: VALUE.describe('Host name or address of the receiver.'),
  port: z
    .int()
    .min(1)
    .max(65_535)
    .describe('Its port; 514 for udp, 601 for tcp, 6514 for tls when absent.')
    .optional(),
  protocol: z
    .enum(['udp', 'tcp', 'tls'])
    .describe('How lines travel; udp loses some without a word.')
    .default('udp'),
  facility: z
    .int()
    .min(0)
    .max(23)
    .describe('Number of the facility; 13 is that of audits.')
    .default(13),
  appName: z
    .string()
    .regex(/^[!-~]{1,48}$/, 'Give up to 48 characters of ASCII without spaces.')
    .describe('Name of this gateway in each message.')
    .default('mcpx'),
});

const HTTP = z.strictObject({
  url: VALUE.describe('Address that takes lines by POST, one JSON object a line; http or https.'),
  headers: z
    .record(z.string().meta({ title: 'header' }), VALUE)
    .describe('HTTP headers sent with them.')
    .default({}),
  timeoutMs: timer(10_000, 'Longest wait for the receiver.', 1),
});

/** What is written about each exchange. */
export const AUDIT = z.strictObject({
  enabled: z
    .boolean()
    .describe('Whether every exchange is written to the audit folder.')
    .default(true),
  arguments: z
    .enum(['none', 'hash', 'redacted', 'full'])
    .describe(
      'What is kept of the arguments of calls: nothing, a hash, the arguments without what looks like a secret, or all. `mcpx simulate` can decide calls again only where they were kept.',
    )
    .default('redacted'),
  flushMs: timer(
    100,
    'Longest time a line waits before it is written; what is lost when the gateway is killed.',
    0,
    MAX_FLUSH_MS,
  ),
  onFailure: z
    .enum(['refuse', 'drop-and-count'])
    .describe(
      'What happens to calls while lines cannot be written: `refuse` makes none until they can be, `drop-and-count` goes on and writes later how many lines are missing. When absent, `refuse` with authentication on, else `drop-and-count`.',
    )
    .optional(),
  maxSegmentBytes: bytes(67_108_864, 'Length at which a file is closed and the next begun.', 4096),
  retention: z
    .strictObject({
      maxAgeDays: z
        .int()
        .min(0)
        .describe('Closed files whose last line is older are removed; 0 keeps them.')
        .default(0),
      maxBytes: z
        .int()
        .min(0)
        .describe(
          'The oldest closed files beyond this many bytes in all are removed; 0 keeps them.',
        )
        .default(0),
    })
    .describe('How long lines are kept.')
    .prefault({}),
  syslog: SYSLOG.describe('Sends lines on by syslog (RFC 5424).').optional(),
  http: HTTP.describe('Sends lines on by HTTP.').optional(),
});

type Audit = z.output<typeof AUDIT>;

/** What is written about each exchange, from `audit`; its default is stricter where callers must prove themselves. */
export function compileAudit(audit: Audit, values: AppValues, isAuthOn: boolean): AuditPlan {
  const { enabled, syslog, http, retention, ...rest } = audit;
  const isOn = enabled;
  checkRetention(audit, values);
  return {
    isOn,
    arguments: rest.arguments,
    flushMs: rest.flushMs,
    onFailure: rest.onFailure ?? (isAuthOn ? 'refuse' : 'drop-and-count'),
    maxSegmentBytes: rest.maxSegmentBytes,
    retention,
    syslog: syslog && syslogPlan(syslog, values, isOn),
    http: http && httpPlan(http, values, isOn),
  };
}

function checkRetention({ retention, maxSegmentBytes }: Audit, { file }: AppValues): void {
  const { maxBytes } = retention;
  if (maxBytes === 0 || maxBytes >= maxSegmentBytes) return;
  const message = `One file alone may grow to ${maxSegmentBytes} bytes (audit.maxSegmentBytes), so ${maxBytes} bytes in all cannot be kept to; raise this or lower that.`;
  file.error(['audit', 'retention', 'maxBytes'], message);
}

function syslogPlan(syslog: z.output<typeof SYSLOG>, values: AppValues, isOn: boolean): SyslogPlan {
  const { protocol, facility, appName, port = SYSLOG_PORTS[protocol] } = syslog;
  const spot = { path: ['audit', 'syslog', 'host'], isOn };
  return { host: values.text(syslog.host, spot, hostFault), port, protocol, facility, appName };
}

function httpPlan(
  { url, headers, timeoutMs }: z.output<typeof HTTP>,
  values: AppValues,
  isOn: boolean,
): HttpExportPlan {
  const path = ['audit', 'http'];
  const fault = (text: string): string | undefined =>
    httpUrlFault(text, 'https://siem.example.com/audit');
  return {
    url: values.text(url, { path: [...path, 'url'], isOn }, fault),
    headers: values.headers(headers, { path: [...path, 'headers'], isOn }),
    timeoutMs,
  };
}

function hostFault(text: string): string | undefined {
  return /^[^\s/@:[\]]+$|^[0-9A-Fa-f:.]+$/.test(text)
    ? undefined
    : 'Give a host name or address alone, such as siem.example.com; the port has a key of its own.';
}
