/** What kernel and page say to each other; see docs/decisions/003-the-page.md. */
import type { AnyEvent, PlanItem, RunRecord, RunStatus } from './record';

export const COMM_TARGET = 'agentnb.run';

/** One line of the list of a kernel's runs. */
export interface RunEntry {
  run_id: string;
  task: string;
  status: RunStatus;
  elapsed: number;
  tokens: number;
}

export type FromKernel =
  | { kind: 'snapshot'; record: RunRecord }
  | { kind: 'events'; events: AnyEvent[] }
  | { kind: 'reply'; id: string; ok: boolean; text: string; data?: unknown }
  | { kind: 'gone' }
  | { kind: 'runs'; runs: RunEntry[] };

/** What an agent can be hired with, or changed to. */
export interface AgentSettings {
  role?: string;
  model?: string;
  mode?: 'live' | 'scratch' | 'branch' | 'dask';
  tools?: string[];
  instructions?: string;
  max_steps?: number;
  timeout?: number;
}

export type Command =
  | { name: 'resync' | 'stop' | 'pause' | 'resume' | 'replay' | 'bundle' }
  | { name: 'say'; text: string; to?: string }
  | { name: 'hire'; agent: string; role: string; settings?: AgentSettings }
  | { name: 'change'; agent: string; settings: AgentSettings }
  | { name: 'dismiss'; agent: string }
  | { name: 'budget'; spec: string }
  | {
      name: 'answer';
      request: string;
      status: 'answered' | 'allowed' | 'denied';
      text?: string;
      code?: string;
      plan?: PlanItem[];
      for_run?: boolean;
    }
  | { name: 'cells'; step?: string }
  | { name: 'undo'; step?: string };

export type FromPage = Command & { kind: 'command'; id: string };

/** The answer to a command: `text` is one sentence for the person. */
export interface Reply {
  ok: boolean;
  text: string;
  data?: unknown;
}
