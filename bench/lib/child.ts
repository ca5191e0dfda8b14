import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onCleanup } from './cleanup';

type Answer = { value: unknown } | { error: string };

/** A program of this folder in a process of its own, which answers one question after another. */
export class BenchChild {
  private constructor(
    private readonly child: ChildProcess,
    readonly end: () => Promise<void>,
  ) {}

  static start(program: string): BenchChild {
    const child = fork(join(__dirname, '..', `${program}.js`), { env: { PATH: process.env.PATH } });
    const end = onCleanup(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    });
    return new BenchChild(child, end);
  }

  /** Throws what the child threw, or that it ended. */
  async ask<T>(question: object): Promise<T> {
    const answered = new Promise<Answer>((resolve, reject) => {
      this.child.once('message', resolve);
      this.child.once('exit', (code) => reject(new Error(`The child ended (${code})`)));
    });
    this.child.send(question);
    const answer = await answered.finally(() => this.child.removeAllListeners('message').removeAllListeners('exit'));
    if ('error' in answer) throw new Error(answer.error);
    return answer.value as T;
  }
}

/** The child's side: answers every question with what `work` gives. */
export function answerParent<Q>(work: (question: Q) => Promise<unknown>): void {
  process.on('message', (question: Q) => {
    work(question).then(
      (value) => process.send!({ value }),
      (error: Error) => process.send!({ error: error.stack ?? error.message }),
    );
  });
}
