import { EngineBusy } from '../engine/engine.errors';
import { TooManyQueries } from './queries.errors';

/** Whose query it is, and what its graph may do at once. */
export interface Place {
  orgId: string;
  graphId: string;
  concurrent: number;
  waiting: number;
  /** Nobody stands at the door for it: it takes what others leave over, and waits as long as it must. */
  background?: boolean;
}

export interface AdmissionLimits {
  /** Queries that the engine works on at once, of everybody. */
  total: number;
  /** Of those, at most so many of one organisation. */
  perOrg: number;
  /** Queries that wait, of everybody. */
  waiting: number;
  /** Background work that the engine does at once. */
  background: { total: number; perGraph: number };
}

/** Milliseconds for which background work lets others pass; then its turn comes like theirs. */
const BACKGROUND_PATIENCE_MS = 10_000;

/** Whoever has asked within so many milliseconds may ask again. */
const RECENT_MS = 1_000;
/** Who wants that many times as much at once as all others together crowds them. */
const CROWDING = 4;

interface Waiter {
  since: number;
  enter: (leave: () => void) => void;
}

interface GraphLine {
  running: number;
  /** Of those that run. */
  background: number;
  waiting: Set<Waiter>;
  waitingBackground: Set<Waiter>;
  concurrent: number;
}

interface OrgLine {
  running: number;
  /** In the order of their turns: who was served goes to the end. */
  graphs: Map<string, GraphLine>;
}

/**
 * Who may have the engine work for them now. Nobody waits while there is room; then each organisation with waiting
 * queries has its turn, within it each of its graphs, and within that the oldest query. So whoever sends a hundred times
 * as much waits behind itself, and while others ask, its queries enter one at a time. Background work has a share that leaves room for others, and lets them pass for a while.
 */
export class Admission {
  private running = 0;
  private waitingTotal = 0;
  private background = 0;
  /** In the order of their turns. */
  private readonly orgs = new Map<string, OrgLine>();
  /** Who asked last, and who did before them. */
  private asked: { graphId: string; at: number }[] = [];
  /** Graphs of which queries entered in this turn of the event loop; none while only one graph is asked. */
  private readonly enteredNow = new Set<GraphLine>();
  /** Milliseconds that a query holds its place, smoothed: tells refused ones when to come again. */
  private holdMs = 20;

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * A place for one query; call what is returned when the engine has done its part. Waits up to `maxWaitMs`, unless
   * aborted. Throws {@link TooManyQueries} where the graph or its organisation itself is in the way, and
   * {@link EngineBusy} where others are.
   */
  admit(place: Place, maxWaitMs: number, signal: AbortSignal): (() => void) | Promise<() => void> {
    const org = this.orgOf(place.orgId);
    const graph = this.graphOf(org, place);
    this.noteAsked(place.graphId);
    // Somebody who waits although there is room waits for their own graph or organisation.
    const alone = lineOf(graph, place).size === 0 && graph.waiting.size === 0;
    if (alone && this.running < this.limits.total && this.hasRoom(org, graph, place.background)) {
      return this.enter(place, org, graph);
    }
    if (signal.aborted) throw signal.reason as Error;
    if (!place.background) {
      if (graph.waiting.size >= place.waiting) throw this.tooMany(place, graph);
      if (this.waitingTotal >= this.limits.waiting) throw new EngineBusy();
    }
    return this.wait(place, org, graph, maxWaitMs, signal);
  }

  /** Queries that wait now. */
  get waiting(): number {
    return this.waitingTotal;
  }

  private wait(
    place: Place,
    org: OrgLine,
    graph: GraphLine,
    maxWaitMs: number,
    signal: AbortSignal,
  ): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        if (lineOf(graph, place).delete(waiter)) this.waitingTotal -= 1;
      };
      const waiter: Waiter = {
        since: this.now(),
        enter: (leave) => {
          done();
          resolve(leave);
        },
      };
      const giveUp = (error: Error): void => {
        done();
        this.tidy(place, org, graph);
        reject(error);
      };
      const aborted = (): void => giveUp(signal.reason as Error);
      const timer = setTimeout(
        () => giveUp(this.hasRoom(org, graph) ? new EngineBusy() : this.tooMany(place, graph)),
        maxWaitMs,
      ).unref();
      signal.addEventListener('abort', aborted, { once: true });
      lineOf(graph, place).add(waiter);
      this.waitingTotal += 1;
    });
  }

  private enter(place: Place, org: OrgLine, graph: GraphLine): () => void {
    this.running += 1;
    org.running += 1;
    graph.running += 1;
    if (this.othersAsk()) this.noteEntered(graph);
    const share = place.background ? 1 : 0;
    graph.background += share;
    this.background += share;
    const entered = performance.now();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.holdMs += (performance.now() - entered - this.holdMs) / 50;
      this.running -= 1;
      org.running -= 1;
      graph.running -= 1;
      graph.background -= share;
      this.background -= share;
      if (this.waitingTotal > 0) this.serve();
      this.tidy(place, org, graph);
    };
  }

  /** Gives what became free to those whose turn it is. */
  private serve(): void {
    while (this.running < this.limits.total && this.waitingTotal > 0) {
      if (!this.serveAny(overdue) && !this.serveAny(() => true)) return;
    }
  }

  /** `due`: whether background work that waits since then has its turn beside the others. */
  private serveAny(due: (since: number, now: number) => boolean): boolean {
    for (const [orgId, org] of this.orgs) {
      if (!this.serveOne(orgId, org, due)) continue;
      this.orgs.delete(orgId);
      this.orgs.set(orgId, org);
      return true;
    }
    return false;
  }

  private serveOne(orgId: string, org: OrgLine, due: (since: number, now: number) => boolean): boolean {
    for (const [graphId, graph] of org.graphs) {
      const [patient] = graph.waitingBackground;
      const background = patient !== undefined && due(patient.since, this.now()) && this.hasRoom(org, graph, true);
      const [next] = graph.waiting;
      const waiter = background ? patient : next;
      if (waiter === undefined || !this.hasRoom(org, graph)) continue;
      org.graphs.delete(graphId);
      org.graphs.set(graphId, graph);
      const place = { orgId, graphId, concurrent: graph.concurrent, waiting: 0, background };
      waiter.enter(this.enter(place, org, graph));
      return true;
    }
    return false;
  }

  private hasRoom(org: OrgLine, graph: GraphLine, background = false): boolean {
    if (org.running >= this.limits.perOrg || graph.running >= graph.concurrent) return false;
    if (this.enteredNow.has(graph) && this.crowds(graph)) return false;
    const { total, perGraph } = this.limits.background;
    // One place of a graph stays free for those who stand at the door, where it has more than one.
    const most = Math.min(perGraph, Math.max(1, graph.concurrent - 1));
    return !background || (this.background < total && graph.background < most);
  }

  /**
   * Whether it wants many times as much as all others. Then one of its queries enters in each turn of the event loop, so that
   * theirs wait for the cost of one: it keeps its places, and the processors have as much to do.
   */
  private crowds(graph: GraphLine): boolean {
    const own = graph.running + graph.waiting.size;
    return own > CROWDING * (this.running + this.waitingTotal - own + 1);
  }

  private noteEntered(graph: GraphLine): void {
    if (this.enteredNow.size === 0) setImmediate(() => this.beginTurn());
    this.enteredNow.add(graph);
  }

  private beginTurn(): void {
    this.enteredNow.clear();
    this.serve();
  }

  private noteAsked(graphId: string): void {
    const now = this.now();
    const [last] = this.asked;
    if (last?.graphId === graphId) last.at = now;
    else this.asked = last === undefined ? [{ graphId, at: now }] : [{ graphId, at: now }, last];
  }

  /** Whether more than one graph has been asked lately. */
  private othersAsk(): boolean {
    return this.asked.length > 1 && this.now() - this.asked[1].at < RECENT_MS;
  }

  private orgOf(orgId: string): OrgLine {
    let org = this.orgs.get(orgId);
    if (org === undefined) this.orgs.set(orgId, (org = { running: 0, graphs: new Map() }));
    return org;
  }

  private graphOf(org: OrgLine, { graphId, concurrent }: Place): GraphLine {
    let graph = org.graphs.get(graphId);
    if (graph === undefined) {
      graph = {
        running: 0,
        background: 0,
        waiting: new Set(),
        waitingBackground: new Set(),
        concurrent,
      };
      org.graphs.set(graphId, graph);
    }
    graph.concurrent = concurrent;
    return graph;
  }

  /** Forgets who neither runs nor waits. */
  private tidy({ orgId, graphId }: Place, org: OrgLine, graph: GraphLine): void {
    if (graph.running > 0 || graph.waiting.size > 0 || graph.waitingBackground.size > 0) return;
    if (org.graphs.get(graphId) === graph) org.graphs.delete(graphId);
    if (org.graphs.size === 0 && this.orgs.get(orgId) === org) this.orgs.delete(orgId);
  }

  private tooMany({ concurrent }: Place, graph: GraphLine): TooManyQueries {
    const seconds = (graph.waiting.size * this.holdMs) / Math.max(1, Math.min(concurrent, this.limits.perOrg)) / 1000;
    return new TooManyQueries(graph.running, graph.waiting.size, Math.min(30, Math.max(1, Math.ceil(seconds))));
  }
}

function lineOf(graph: GraphLine, { background }: Place): Set<Waiter> {
  return background ? graph.waitingBackground : graph.waiting;
}

function overdue(since: number, now: number): boolean {
  return now - since >= BACKGROUND_PATIENCE_MS;
}
