import type { Credentials } from '../kernel/arrival.ts';

/** The header that carries a consumer tag. */
const TAG_HEADER = 'x-lunar-consumer-tag';
const BEARER = /^bearer +(\S.*)$/i;

/** What a caller presented, by the place where it stood; undefined where it stood nowhere. */
export interface Presented {
  /** In the header for API keys. */
  readonly key: string | undefined;
  /** As `Authorization: Bearer`: an API key or a token. */
  readonly bearer: string | undefined;
}

/** Reads the credentials of a request. Other schemes of Authorization are for others, and are nothing here. */
export function presentedBy(credentials: Credentials, keyHeader: string): Presented {
  const authorization = textOf(credentials.header('authorization'));
  const bearer = BEARER.exec(authorization ?? '')?.[1];
  if (keyHeader !== 'authorization') return { key: textOf(credentials.header(keyHeader)), bearer };
  return { key: bearer === undefined ? authorization : undefined, bearer };
}

/** The consumer tag a caller sent. */
export function tagOf(credentials: Credentials): string | undefined {
  return textOf(credentials.header(TAG_HEADER));
}

function textOf(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === '' ? undefined : text;
}
