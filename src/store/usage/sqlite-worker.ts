import { parentPort } from 'node:worker_threads';

import { Refusal } from '../../kernel/refusals.ts';
import { answerFromFile, type FileQuery } from './sqlite-answer.ts';
import type { Found } from './sqlite-thread.ts';

function find(query: FileQuery): Found {
  try {
    return { answer: answerFromFile(query) };
  } catch (error) {
    if (error instanceof Refusal) return { refused: error.detail };
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (query: FileQuery) => parentPort?.postMessage(find(query), []));
