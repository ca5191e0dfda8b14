import { EngineLost, GraphUnreadable } from '../engine/engine.errors';
import { GraphCircuitOpen } from './queries.errors';

interface Circuit {
  failures: number;
  /** Milliseconds since the epoch until which nothing is tried; 0 while closed. */
  openUntil: number;
  probing: boolean;
}

/**
 * Leaves a graph alone whose engine failed several times in a row, instead of starting it for every request. Only what
 * is the engine's fault counts: a lost process, a file that does not open. Typing errors, timeouts and refusals of
 * statements show that the engine works. After the pause one query is tried, and its success closes the circuit.
 */
export class CircuitBreaker {
  /** Graphs with at least one failure since their last success. */
  private readonly circuits = new Map<string, Circuit>();

  constructor(
    private readonly limits: { failures: number; pauseMs: number },
    private readonly now: () => number,
  ) {}

  /** Lets a query of the graph pass, or throws {@link GraphCircuitOpen}. Tell how it went by {@link observe}. */
  enter(graphId: string): void {
    const circuit = this.circuits.get(graphId);
    if (circuit === undefined || circuit.openUntil === 0) return;
    const leftMs = circuit.openUntil - this.now();
    if (leftMs > 0 || circuit.probing) {
      throw new GraphCircuitOpen(circuit.failures, Math.max(1, Math.ceil(leftMs / 1000)));
    }
    circuit.probing = true;
  }

  /** `error` undefined: the engine answered. Returns whether this opened the circuit. */
  observe(graphId: string, error?: unknown): boolean {
    if (!isEngineFault(error)) {
      // Without an answer of the engine (it was busy, the caller left) the next one is the probe.
      if (error === undefined || provesEngine(error)) this.circuits.delete(graphId);
      else this.endProbe(graphId);
      return false;
    }
    const circuit = this.circuits.get(graphId) ?? { failures: 0, openUntil: 0, probing: false };
    this.circuits.set(graphId, circuit);
    circuit.failures += 1;
    circuit.probing = false;
    if (circuit.failures < this.limits.failures) return false;
    circuit.openUntil = this.now() + this.limits.pauseMs;
    return true;
  }

  private endProbe(graphId: string): void {
    const circuit = this.circuits.get(graphId);
    if (circuit !== undefined) circuit.probing = false;
  }
}

function isEngineFault(error: unknown): boolean {
  return error instanceof EngineLost || error instanceof GraphUnreadable;
}

/** Errors that the engine itself answered with. */
const ANSWERS = new Set([
  'query_invalid',
  'query_timeout',
  'write_refused',
  'duplicate_column',
  'query_out_of_memory',
  // After it the engine was asked for something else, and answered.
  'statement_ends_engine',
]);

function provesEngine(error: unknown): boolean {
  return ANSWERS.has((error as { code?: string }).code ?? '');
}
