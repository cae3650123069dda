import type { Line } from './outcome.ts';
import { plain, targetText } from './report.ts';

const WIDTH = 960;
const ROW = 26;
const TOP = 64;
const BAR_X = 500;
/** Where a bar ends that just reaches its target. */
const TARGET_X = 755;
const MOST = 1.4;

/** How far a figure went of what its target allows; below 1 it is better than it has to be. Nothing for targets of another kind. */
function shareOf({ value, target }: Line): number | undefined {
  if (target === undefined || 'words' in target) return undefined;
  if ('atLeast' in target) return target.atLeast / value.median;
  return target.atMost === 0 ? undefined : Math.max(0, value.median / target.atMost);
}

/** Draws every figure that has a target as a bar against it: shorter is better, and up to the line is reached. */
export function pictureOf(lines: readonly Line[]): string {
  const drawn = lines.flatMap((line) => {
    const share = shareOf(line);
    return share === undefined || Number.isNaN(share) ? [] : [{ line, share }];
  });
  const height = TOP + drawn.length * ROW + 24;
  const rows = drawn.map(({ line, share }, index) => rowOf(line, share, TOP + index * ROW));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title desc">
  <title id="title">Measured figures against their targets</title>
  <desc id="desc">${escaped(drawn.map(({ line }) => textOf(line)).join('; '))}</desc>
  <style>
    text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; font-size: 13px; fill: #1f2937; }
    .back { fill: #ffffff; }
    .dim { font-size: 12px; fill: #4b5563; }
    .reached { fill: #4f46e5; }
    .missed { fill: #d97706; }
    .track { fill: #f3f4f6; }
    .target { stroke: #111827; stroke-width: 1.5; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e5e7eb; }
      .back { fill: #111827; }
      .dim { fill: #9ca3af; }
      .reached { fill: #818cf8; }
      .missed { fill: #f59e0b; }
      .track { fill: #1f2937; }
      .target { stroke: #f9fafb; }
    }
  </style>
  <rect class="back" width="${WIDTH}" height="${height}" rx="8"/>
  <text x="24" y="34" font-weight="600">Each figure as a share of what its target allows; shorter is better</text>
  <text class="dim" x="${TARGET_X}" y="${TOP - 10}" text-anchor="middle">target</text>
${rows.join('\n')}
  <line class="target" x1="${TARGET_X}" y1="${TOP - 4}" x2="${TARGET_X}" y2="${height - 20}"/>
</svg>
`;
}

function rowOf(line: Line, share: number, y: number): string {
  const full = TARGET_X - BAR_X;
  const length = Math.max(2, Math.min(share, MOST) * full);
  const kind = line.reached === true ? 'reached' : 'missed';
  const beyond = share > MOST ? ' ›' : '';
  const value = `${plain(line.value.median)}${line.unit === '' ? '' : ` ${line.unit}`}${beyond}`;
  return `  <text x="${BAR_X - 12}" y="${y + 16}" text-anchor="end">${escaped(line.what)}</text>
  <rect class="track" x="${BAR_X}" y="${y + 4}" width="${full * MOST}" height="16" rx="3"/>
  <rect class="${kind}" x="${BAR_X}" y="${y + 4}" width="${length.toFixed(1)}" height="16" rx="3"/>
  <text class="dim" x="${BAR_X + full * MOST + 10}" y="${y + 16}">${escaped(value)}</text>`;
}

function textOf({ what, value, unit, target }: Line): string {
  return `${what}: ${plain(value.median)} ${unit}, ${targetText(target, unit)}`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
