/** What the sender of a query should know beside its result. `code` is stable. */
export interface Notice {
  code: 'timeout_capped';
  message: string;
}

/** Says that a query gets less time than it was to have; nothing where it gets all of it. */
export function timeoutNotices({ seconds, capped }: { seconds: number; capped: boolean }): Notice[] {
  if (!capped) return [];
  const message = `The query may take ${seconds} s, the most that the tier of this graph allows`;
  return [{ code: 'timeout_capped', message }];
}

/** The member `notices` of an answer; no member where there is nothing to say. */
export function noticed(notices: Notice[]): { notices?: Notice[] } {
  return notices.length > 0 ? { notices } : {};
}
