import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AuditActor, AuditService } from '../audit/audit.service';
import { ACCESS_CHANGED } from '../auth/access-cache';
import { AccessService } from '../auth/access.service';
import type { Actor } from '../auth/actor';
import { Clock } from '../common/clock';
import { Ids } from '../common/ids';
import { Notifications } from '../database/notifications';
import { Transactor } from '../database/transactor';
import { GraphsService } from '../graphs/graphs.service';
import { AlreadyGranted, NotPublishable, RepositoryNotFound, RepositoryPlanNotFound } from './repositories.errors';
import { RepositoriesRepository } from './repositories.repository';
import type { KnownRepository, Repository, RepositoryGrant, RepositoryPlan } from './repository';

/** Graphs that organisations subscribe to: which there are, what they cost, and who reads them. */
@Injectable()
export class RepositoriesService {
  constructor(
    private readonly transactor: Transactor,
    private readonly rows: RepositoriesRepository,
    private readonly graphs: GraphsService,
    private readonly access: AccessService,
    private readonly notifications: Notifications,
    private readonly audit: AuditService,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  list(): Promise<KnownRepository[]> {
    return this.rows.list();
  }

  /** By its name or the id of its graph. Throws {@link RepositoryNotFound}. */
  async get(nameOrGraph: string): Promise<KnownRepository> {
    const found = await this.rows.find(nameOrGraph);
    if (found === null) throw new RepositoryNotFound(nameOrGraph);
    return found;
  }

  /**
   * Offers a graph, or changes what is said of it and its plans; subscriptions keep what they were made with. Throws
   * {@link NotPublishable}, `GraphNotReady`.
   */
  publish(actor: Actor, wanted: Repository): Promise<Repository> {
    return this.transactor.run(async (em) => {
      const { parentId, orgId } = await this.graphs.active(wanted.graphId);
      if (parentId !== null) throw new NotPublishable(wanted.graphId, 'it is a subgraph');
      const other = await this.rows.find(wanted.graphId, em);
      if (other !== null && other.name !== wanted.name)
        throw new NotPublishable(wanted.graphId, `it is the repository "${other.name}" already`);
      if (!(await this.rows.put(em, wanted, this.clock.now())))
        throw new NotPublishable(wanted.graphId, `the repository "${wanted.name}" is another graph`);
      const { name, isOffered, graphId } = wanted;
      const details = { repository: name, is_offered: isOffered, plans: wanted.plans.map((plan) => plan.name) };
      await this.audit.record(em, { actor, action: 'repository.published', target: graphId, orgId, details });
      return wanted;
    });
  }

  /**
   * What an order of a plan is about. Throws {@link RepositoryNotFound}, also where it is not offered any more or its graph is out of service,
   * {@link RepositoryPlanNotFound}, and {@link AlreadyGranted} where the organisation reads it already.
   */
  async requireOrderable(
    nameOrGraph: string,
    planName: string,
    orgId: string,
  ): Promise<{ repository: Repository; plan: RepositoryPlan }> {
    const repository = await this.get(nameOrGraph);
    if (!repository.isOrderable) throw new RepositoryNotFound(nameOrGraph);
    const plan = repository.plans.find(({ name }) => name === planName);
    const known = repository.plans.map(({ name }) => name);
    if (plan === undefined) throw new RepositoryPlanNotFound(repository.name, planName, known);
    const grants = await this.rows.grantsOf(orgId);
    if (grants.some((grant) => grant.repository === repository.name)) throw new AlreadyGranted(repository.name);
    return { repository, plan };
  }

  /**
   * Lets an organisation read a repository, in the caller's transaction and once for each subscription. Throws
   * {@link AlreadyGranted} where another subscription does, and {@link RepositoryNotFound}.
   */
  async grant(
    em: EntityManager,
    wanted: Pick<RepositoryGrant, 'repository' | 'orgId' | 'subscriptionId' | 'plan' | 'monthlyCredits'>,
  ): Promise<RepositoryGrant> {
    const repository = await this.rows.find(wanted.repository, em);
    if (repository === null) throw new RepositoryNotFound(wanted.repository);
    const { graphId } = repository;
    const grant = { ...wanted, id: this.ids.uuid(), graphId, grantedAt: this.clock.now(), revokedAt: null };
    const granted = await this.rows.grant(em, grant);
    if (granted === null) throw new AlreadyGranted(wanted.repository);
    if (granted.id !== grant.id) return granted;
    await this.record(em, null, 'repository.access_granted', granted);
    await this.changed(em);
    return granted;
  }

  /** Ends what a subscription granted; nothing where that is over. */
  async revoke(em: EntityManager, actor: AuditActor | null, subscriptionId: string): Promise<void> {
    const revoked = await this.rows.revoke(em, subscriptionId, this.clock.now());
    if (revoked === null) return;
    await this.record(em, actor, 'repository.access_revoked', revoked);
    await this.changed(em);
  }

  /** What an organisation may read now. */
  grantsOf(orgId: string): Promise<RepositoryGrant[]> {
    return this.rows.grantsOf(orgId);
  }

  /** By which somebody reads a graph; null where none of their organisations subscribes to it. */
  grantFor(userId: string, graphId: string): Promise<RepositoryGrant | null> {
    return this.rows.grantFor(userId, graphId);
  }

  /** One that lasts, or did; null where there is none. */
  findGrant(id: string): Promise<RepositoryGrant | null> {
    return this.rows.findGrant(id);
  }

  private record(em: EntityManager, actor: AuditActor | null, action: string, grant: RepositoryGrant): Promise<void> {
    const { orgId, graphId, repository, plan, subscriptionId } = grant;
    const details = { repository, plan, subscription_id: subscriptionId };
    return this.audit.record(em, { actor, action, target: graphId, orgId, details });
  }

  /** Who may read is among what processes remember. */
  private async changed(em: EntityManager): Promise<void> {
    await this.notifications.notify(em, ACCESS_CHANGED, 'graph');
    this.transactor.afterCommit(em, () => this.access.forget());
  }
}
