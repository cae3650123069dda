import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** What a file of configuration holds, or why it cannot be read, as the end of a sentence that begins with its name. */
export type PemFile = { readonly text: string } | { readonly fault: string };

/** Reads a PEM file. */
export function readPemFile(path: string): PemFile {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.includes('-----BEGIN ')) return { text };
    return { fault: 'is no PEM file; it must have a line that begins with "-----BEGIN".' };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { fault: faultOf(code) };
  }
}

function faultOf(code: string | undefined): string {
  if (code === 'EISDIR') return 'is no file; give the path of a PEM file.';
  return code === 'ENOENT' || code === 'ENOTDIR'
    ? 'does not exist; give the path of a PEM file. A relative one starts at the folder the gateway runs in.'
    : `cannot be read (${code}); check its permissions.`;
}

/** Why a certificate and a key, both PEM, cannot serve together; undefined when they can. */
export function pairFault({
  cert,
  key,
}: {
  readonly cert: string;
  readonly key: string;
}): string | undefined {
  try {
    const isPair = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
    return isPair
      ? undefined
      : 'The private key is not that of the certificate; give the two that belong together.';
  } catch {
    return 'One of the two is no certificate or no private key in PEM; give both in PEM, the key without a password.';
  }
}
