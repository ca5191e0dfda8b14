import { answerParent } from './lib/child';
import { Readers } from './lib/readers';

export interface Crowd {
  url: string;
  apiKey: string;
  queryPath: string;
  readers: number;
  ms: number;
}

/** Many readers in a process of their own, so that those who are measured elsewhere do not wait in line with them; what they saw. */
answerParent<Crowd>(async ({ url, apiKey, queryPath, readers, ms }) => {
  const crowd = Readers.start({ url, apiKey }, queryPath, readers);
  const reads = await crowd.over(ms);
  await crowd.stop();
  return reads;
});
