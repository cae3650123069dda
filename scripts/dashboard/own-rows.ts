import type { PanelTerms, RowTerms } from './panels.ts';
import { lines, listing, many } from './pieces.ts';
import { rate, rise, series, sum, top, type SeriesName } from './promql.ts';

/** Whether what is recorded arrives where it should. */
export function recordsRow(): RowTerms {
  const grown = (name: SeriesName, ...by: string[]): string => sum(rise(series(name)), ...by);
  const perSecond = (name: SeriesName, ...by: string[]): string => sum(rate(series(name)), ...by);
  const values = series('mcpx_metrics_label_values');
  const most = series('mcpx_metrics_label_values_max');
  return {
    title: 'Records',
    panels: [
      lines('Audit lines', perSecond('mcpx_audit_lines_total'), { unit: 'cps' }),
      lines('Waiting to be audited', sum(series('mcpx_audit_waiting_bytes')), { unit: 'bytes' }),
      many('Audit lines lost', {
        'not written': grown('mcpx_audit_lost_lines_total'),
        'not sent to {{to}}': grown('mcpx_audit_export_dropped_lines_total', 'to'),
      }),
      lines('Events', grown('mcpx_events_total', 'event')),
      many('Usage store', {
        'counted per second': perSecond('mcpx_usage_exchanges_total'),
        waiting: sum(series('mcpx_usage_waiting_rollups')),
        dropped: grown('mcpx_usage_dropped_exchanges_total'),
        failing: `max(${series('mcpx_usage_failing')})`,
      }),
      many('Spans', {
        'sent per second': perSecond('mcpx_spans_total'),
        'dropped per second': perSecond('mcpx_spans_dropped_total'),
        waiting: sum(series('mcpx_spans_waiting')),
      }),
      many('Counting of tokens', {
        '{{by}} per second': perSecond('mcpx_token_counts_total', 'by'),
        waiting: sum(series('mcpx_token_queue')),
      }),
      many('Largest metrics', {
        '{{metric}}': top(5, sum(series('mcpx_metrics_series'), 'metric')),
      }),
      many(
        'Values of labels',
        { '{{label}}': `${values} / ignoring (label) group_left ${most}` },
        {
          unit: 'percentunit',
          description:
            'At 100 % further values become "other": raise metrics.maxLabelValues, or leave it.',
        },
      ),
    ],
  };
}

/** The process itself. */
export function processRow(): RowTerms {
  const width = 6;
  const each = (title: string, unit: string, expr: string): PanelTerms =>
    many(title, { '{{instance}}': expr }, { unit, width });
  return {
    title: 'Process',
    panels: [
      each('CPU', 'percentunit', rate(series('process_cpu_seconds_total'))),
      many(
        'Memory',
        {
          '{{instance}} resident': series('process_resident_memory_bytes'),
          '{{instance}} heap': series('nodejs_heap_size_used_bytes'),
        },
        { unit: 'bytes', width },
      ),
      each('Event loop lag (99 %)', 's', series('nodejs_eventloop_lag_p99_seconds')),
      each('Open files', 'short', series('process_open_fds')),
      lines('Garbage collection', sum(rate(series('nodejs_gc_duration_seconds_sum')), 'kind'), {
        unit: 's',
        width,
      }),
      listing('Build', `max by (instance, version, node) (${series('mcpx_build_info')})`, {
        width: 12,
      }),
      {
        title: 'Up since',
        kind: 'stat',
        unit: 'dateTimeFromNow',
        queries: [{ expr: `1000 * ${series('process_start_time_seconds')}` }],
        width,
        height: 8,
      },
    ],
  };
}
