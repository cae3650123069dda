import { z } from 'zod';

/** One OAuth scope (RFC 6749, 3.3): it stands in header values, where other characters would end it. */
export const SCOPE = z
  .string()
  .regex(
    /^[\u0021\u0023-\u005B\u005D-\u007E]+$/,
    'Give one scope: no spaces, quotes or backslashes.',
  );
