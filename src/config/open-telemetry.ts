import { headerNameFault, headerValueFault, httpUrlFault } from './http-text.ts';
import type { Variables } from './variables.ts';

/**
 * Whole address that takes spans, from OTEL_EXPORTER_OTLP_ENDPOINT (specification of OpenTelemetry, "OTLP Exporter"), undefined
 * where it is not set; one that cannot be used is reported.
 */
export function otlpEndpoint(variables: Variables): string | undefined {
  const name = 'OTEL_EXPORTER_OTLP_ENDPOINT';
  const text = textOf(variables, name);
  if (text === undefined) return undefined;
  const fault = httpUrlFault(text, 'http://localhost:4318');
  if (fault !== undefined) variables.error(name, fault);
  return `${text.replace(/\/+$/, '')}/v1/traces`;
}

/** The headers of OTEL_EXPORTER_OTLP_HEADERS; what cannot be used is reported. */
export function otlpHeaders(variables: Variables): Record<string, string> {
  const name = 'OTEL_EXPORTER_OTLP_HEADERS';
  const pairs = (textOf(variables, name) ?? '').split(',').filter((pair) => pair.trim() !== '');
  const headers: Record<string, string> = {};
  for (const pair of pairs) {
    const [key, value] = pairOf(pair);
    if (headerNameFault(key) === undefined && headerValueFault(value) === undefined) {
      headers[key] = value;
      continue;
    }
    const message =
      'Give headers as name=value with commas between them; other signs in values are written with %, such as %20 for a space.';
    variables.error(name, message);
    return {};
  }
  return headers;
}

/** The name of OTEL_SERVICE_NAME, undefined where it is not set. */
export function otelServiceName(variables: Variables): string | undefined {
  return textOf(variables, 'OTEL_SERVICE_NAME');
}

/** Values are written as in W3C Baggage: percent-encoded. */
function pairOf(pair: string): [name: string, value: string] {
  const at = pair.indexOf('=');
  if (at === -1) return ['', ''];
  const value = pair.slice(at + 1).trim();
  try {
    return [pair.slice(0, at).trim(), decodeURIComponent(value)];
  } catch {
    return ['', ''];
  }
}

function textOf(variables: Variables, name: string): string | undefined {
  return variables.lookUp(name)?.trim() || undefined;
}
