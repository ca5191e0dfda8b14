import { Logger } from '@nestjs/common';
import type { OperationProgress } from '../operations/operation.entity';
import type { ProgressDetails } from './operation-context';

/** At most ten events a second. */
const SHORTEST_GAP_MS = 100;

/** Thins progress: the first report goes out at once, of those that follow too fast only the newest does. */
export class ProgressReporter {
  private readonly logger = new Logger(ProgressReporter.name);
  private newest?: OperationProgress;
  private timer?: NodeJS.Timeout;
  private writing: Promise<void> = Promise.resolve();
  private lastWrite = 0;
  private ended = false;

  /** `write` stores one report; its failure is logged, and never reaches the work that reports. */
  constructor(private readonly write: (progress: OperationProgress) => Promise<void>) {}

  report(percent: number | null, message: string, { currentStep, totalSteps, ...details }: ProgressDetails = {}): void {
    if (this.ended) return;
    this.newest = {
      ...details,
      ...(currentStep !== undefined && { current_step: currentStep }),
      ...(totalSteps !== undefined && { total_steps: totalSteps }),
      percent: percent === null || !Number.isFinite(percent) ? null : tenths(Math.min(100, Math.max(0, percent))),
      message,
    };
    const wait = Math.max(0, this.lastWrite + SHORTEST_GAP_MS - Date.now());
    this.timer ??= setTimeout(() => this.flush(), wait);
  }

  /** Stores what is still waiting, and takes no more. */
  async end(): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    this.flush();
    await this.writing;
  }

  private flush(): void {
    const progress = this.newest;
    this.timer = undefined;
    this.newest = undefined;
    if (!progress) return;
    this.lastWrite = Date.now();
    this.writing = this.writing.then(async () => {
      try {
        await this.write(progress);
      } catch (error) {
        this.logger.warn(`Progress was not stored: ${(error as Error).message}`);
      }
    });
  }
}

/** One decimal is all that anybody reads of a percentage. */
function tenths(percent: number): number {
  return Math.round(percent * 10) / 10;
}
