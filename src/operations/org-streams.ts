import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { AccessService } from '../auth/access.service';
import type { Actor } from '../auth/actor';
import { Clock } from '../common/clock';
import { DomainError } from '../common/domain-error';
import { isEvent } from './event-watcher';
import { OpenStreams } from './open-streams';
import { OrgEventFeed } from './org-event-feed';
import {
  isAfter,
  later,
  ORG_BEGINNING,
  orgCursorOf,
  type OrgCursor,
  type OrgEvent,
  OrgEventLog,
  parseOrgEventId,
  toOrgEventId,
} from './org-event-log';
import { idLine, orgFrameOf, passingFrame, PING } from './sse-frames';

export interface OrgStreamStart {
  lastEventId?: string;
  from: 'beginning' | 'now';
}

/** How long what a member may not see is taken for that; rights that are given work after this at the latest. */
const HIDDEN_FOR_MS = 5_000;
const MOST_HIDDEN = 1_000;

/**
 * All operations of an organisation as one event stream, as far as the caller may see them. Live from now unless asked
 * for more; its first frame has an id, so that a client that comes back before the first event misses none either.
 */
@Injectable()
export class OrgStreams {
  constructor(
    private readonly log: OrgEventLog,
    private readonly feed: OrgEventFeed,
    private readonly streams: OpenStreams,
    private readonly access: AccessService,
    private readonly clock: Clock,
  ) {}

  /** The bytes of one stream, until `gone` says that the client is. Throws {@link TooManyStreams}. */
  async open(actor: Actor, orgId: string, start: OrgStreamStart, gone: AbortSignal): Promise<Readable> {
    const asked = start.lastEventId === undefined ? undefined : parseOrgEventId(start.lastEventId);
    const known = asked ? await this.log.canResume(orgId, asked) : asked === undefined;
    const resume = known ? asked : undefined;
    const cursor = resume ?? (known && start.from === 'beginning' ? ORG_BEGINNING : await this.log.end(orgId));
    return this.streams.open(actor.userId, this.frames(actor, orgId, cursor, !known, gone), gone);
  }

  private async *frames(
    actor: Actor,
    orgId: string,
    cursor: OrgCursor,
    resync: boolean,
    gone: AbortSignal,
  ): AsyncGenerator<string, void> {
    let place = cursor;
    let told = toOrgEventId(place);
    yield passingFrame('connected', { org_id: orgId, connection_id: randomUUID(), last_event_id: told }, told);
    if (resync) yield resyncFrame(orgId, told);
    const visible = this.visibleTo(actor);
    // Up to here nothing can be missed any more; whoever begins at the beginning wants what is there.
    let whole = later(place, await this.log.horizon(orgId));
    for await (const news of this.feed.events(orgId, cursor, { signal: gone, idleMs: this.streams.idleMs })) {
      if (isEvent(news)) {
        place = orgCursorOf(news);
        if (!(await visible(news))) continue;
        told = toOrgEventId(place);
        yield orgFrameOf(news);
      } else if (news === 'caught_up') {
        // Removed between two reads of the log, before this client had seen it.
        const horizon = await this.log.horizon(orgId);
        if (isAfter(horizon, whole)) yield resyncFrame(orgId, toOrgEventId(place));
        whole = later(place, horizon);
      } else if (news === 'idle') {
        if (!(await this.stillMember(actor, orgId))) return;
        // Past what was hidden from this client: its id must not grow old until the event behind it is pruned.
        const seen = toOrgEventId(place);
        if (told !== seen) yield idLine((told = seen));
        yield PING;
      }
    }
  }

  /** Asks for each event, as the door would; a "no" is remembered for some seconds. */
  private visibleTo(actor: Actor): (event: OrgEvent) => Promise<boolean> {
    const hidden = new Map<string, number>();
    return async ({ orgId, graphId, userId }) => {
      const key = graphId ?? userId ?? '';
      const now = this.clock.now().getTime();
      if ((hidden.get(key) ?? 0) > now) return false;
      if (await this.access.maySee(actor, { orgId, graphId, userId })) return true;
      if (hidden.size === MOST_HIDDEN) hidden.clear();
      hidden.set(key, now + HIDDEN_FOR_MS);
      return false;
    };
  }

  private async stillMember(actor: Actor, orgId: string): Promise<boolean> {
    try {
      await this.access.requireOrg(actor, orgId, 'member');
      return true;
    } catch (error) {
      if (error instanceof DomainError) return false;
      throw error;
    }
  }
}

function resyncFrame(orgId: string, lastEventId: string): string {
  return passingFrame('resync', {
    org_id: orgId,
    last_event_id: lastEventId,
    message:
      'The events after your Last-Event-ID are not known any more; read the operations again and go on from here',
    _links: { operations: '/v1/operations' },
  });
}
