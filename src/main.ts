import { holdYoungHeap } from './cli/young-heap.ts';

holdYoungHeap();
// What this loads is more than all the gateway keeps.
const { createProgram } = await import('./cli/program.ts');
await createProgram().parseAsync();
