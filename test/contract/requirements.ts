import { BASE_REQUIREMENTS } from './requirements-base.ts';
import { FEATURE_REQUIREMENTS } from './requirements-features.ts';
import { MODERN_HTTP_REQUIREMENTS } from './requirements-modern-http.ts';
import { PATTERN_REQUIREMENTS } from './requirements-patterns.ts';
import type { Requirement } from './requirements-table.ts';
import { TRANSPORT_REQUIREMENTS } from './requirements-transports.ts';

/** Every rule of the specification that a gateway can break in either of its roles. */
export const REQUIREMENTS: readonly Requirement[] = [
  ...BASE_REQUIREMENTS,
  ...TRANSPORT_REQUIREMENTS,
  ...MODERN_HTTP_REQUIREMENTS,
  ...PATTERN_REQUIREMENTS,
  ...FEATURE_REQUIREMENTS,
];
