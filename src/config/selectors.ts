import { z } from 'zod';
import { patternFault } from './target-text.ts';

/** Names, at least one. */
export const NAMES = z.array(z.string().min(1)).min(1);

/** Patterns `server/name`, at least one. */
export const PATTERNS = z
  .array(
    z
      .string()
      .superRefine((text, check) => {
        const message = patternFault(text);
        if (message !== undefined) check.addIssue({ code: 'custom', message });
      })
      // For editors alone, which know no more than patterns.
      .meta({ pattern: '^(\\*|[^/]+/.+)$' }),
  )
  .min(1);

/** The name of something that records know by it. */
export const ID = z
  .string()
  .regex(/^[A-Za-z0-9._-]+$/, 'Use letters, digits, ".", "_" and "-" alone.');
