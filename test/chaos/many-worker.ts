import { startWorld, writeMuch } from './many-work';

/** A worker to be stopped and continued. Says on its output when it runs, and how each attempt of its own went. */
async function main(): Promise<void> {
  const [url] = process.argv.slice(3);
  await startWorld(url, 'worker', async (ctx) => {
    try {
      const result = await writeMuch(ctx, 1_000_000);
      say(`ended ${ctx.operationId}`);
      return result;
    } catch (error) {
      say(`refused ${ctx.operationId} ${(error as Error).name}`);
      throw error;
    }
  });
  say('ready');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
