const WIDTH = 30;

/** One line that is drawn over on a terminal; elsewhere a line for each quarter. */
export class ProgressBar {
  private last = -1;

  constructor(private readonly out: NodeJS.WriteStream) {}

  show(percent: number, message: string): void {
    const filled = Math.round((percent / 100) * WIDTH);
    const bar = `  [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${percent.toFixed(0).padStart(3)} %  ${message}`;
    if (this.out.isTTY) this.out.write(`\r${bar.padEnd(100).slice(0, this.out.columns ?? 100)}`);
    else if (Math.floor(percent / 25) > this.last) this.out.write(`${bar}\n`);
    this.last = Math.floor(percent / 25);
  }

  done(): void {
    if (this.out.isTTY) this.out.write('\n');
  }
}
