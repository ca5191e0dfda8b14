import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { AccessService } from '../auth/access.service';
import type { Actor } from '../auth/actor';
import { GraphNotFound } from '../auth/auth.errors';
import { Ids, UUID } from '../common/ids';
import { Transactor } from '../database/transactor';
import type { Graph } from '../graphs/graph.entity';
import { GraphsConfig } from '../graphs/graphs.config';
import { SubscriptionRequired } from '../graphs/graphs.errors';
import { GraphsService } from '../graphs/graphs.service';
import type { Operation } from '../operations/operation.entity';
import { OperationsService } from '../operations/operations.service';
import { GraphMembersService } from '../orgs/graph-members.service';
import { OrgsService } from '../orgs/orgs.service';
import type { Backup } from './backup.entity';
import { MANIFEST_VERSION } from './backup-manifest';
import type { StoredBackup } from './backup-objects';
import { BackupRetentionRepository } from './backup-retention.repository';
import { BackupNotFound, BackupNotRestorable } from './backups.errors';
import { RestoreBackup } from './backups.operations';
import { BackupsService, storedBackup } from './backups.service';
import type { RecoveryDto, RestoreBackupDto, RestoredGraphDto } from './dto/backup-request.dto';
import { whyNotRestorable } from './restorable';
import { SystemBackups } from './system-backups';

export interface BegunRestore {
  operation: Operation;
  /** The backup of what is live that is made before; null where nothing is replaced, or nobody wants it. */
  systemBackupId: string | null;
}

/** Begins restores of backups, as their graph's next generation or as another graph. The work is done by a processor. */
@Injectable()
export class RestoresService {
  constructor(
    private readonly transactor: Transactor,
    private readonly backups: BackupsService,
    private readonly retention: BackupRetentionRepository,
    private readonly graphs: GraphsService,
    private readonly graphsConfig: GraphsConfig,
    private readonly access: AccessService,
    private readonly members: GraphMembersService,
    private readonly orgs: OrgsService,
    private readonly operations: OperationsService,
    private readonly systemBackups: SystemBackups,
    private readonly audit: AuditService,
    private readonly ids: Ids,
  ) {}

  /**
   * Starts restoring a backup: in the place of what is live, or as a new graph of the same organisation and tier. Throws
   * `BackupNotCompleted`, {@link BackupNotRestorable}, `OperationConflict` while something else changes the graph.
   */
  async requestRestore(
    actor: Actor,
    graphId: string,
    backupId: string,
    { create_system_backup: backUpFirst, new_graph: wanted }: RestoreBackupDto,
  ): Promise<BegunRestore> {
    const backup = await this.backups.get(graphId, backupId);
    const { manifest } = restorable(backup);
    const graph = wanted ? await this.graphs.get(graphId) : await this.graphs.active(graphId);
    return this.transactor.run(async (em) => {
      const action = 'backup.restore_requested';
      if (!wanted) return this.into(em, actor, { graph, backup, backUpFirst, action });
      const targetId = await this.registerGraph(em, actor, graph, wanted, manifest.schema);
      return this.begin(em, actor, { targetId, backup, action });
    });
  }

  /**
   * Starts restoring a backup of a deleted graph: as a new graph of the same organisation and tier, or into another graph of
   * that organisation. Throws {@link BackupNotFound}, {@link BackupNotRestorable}, `GraphLimitReached`,
   * {@link SubscriptionRequired} where new graphs have to be ordered.
   */
  async requestRecovery(actor: Actor, orgId: string, backupId: string, wanted: RecoveryDto): Promise<BegunRestore> {
    const found = UUID.test(backupId) ? await this.retention.findOfDeletedGraph(orgId, backupId) : null;
    if (found === null) throw new BackupNotFound();
    const { backup, tier } = found;
    const { manifest } = restorable(backup);
    const action = 'backup.recovery_requested';
    const { graph_id: intoId, graph_name: name, create_system_backup: backUpFirst } = wanted;
    if (intoId != null) {
      const access = await this.access.require(actor, intoId, 'admin');
      if (access.orgId !== orgId) throw new GraphNotFound();
      const graph = await this.graphs.active(intoId);
      return this.transactor.run((em) => this.into(em, actor, { graph, backup, backUpFirst, action }));
    }
    const graph = { graph_name: name!, description: wanted.description };
    return this.transactor.run(async (em) => {
      const targetId = await this.registerGraph(em, actor, { orgId, tier }, graph, manifest.schema);
      return this.begin(em, actor, { targetId, backup, action });
    });
  }

  /** In the place of what is live in a graph. */
  private async into(
    em: EntityManager,
    actor: Actor,
    { graph, backup, backUpFirst, action }: { graph: Graph; backup: Backup; backUpFirst: boolean; action: string },
  ): Promise<BegunRestore> {
    const systemBackupId = backUpFirst ? await this.systemBackups.announce(em, graph, actor.userId) : undefined;
    return this.begin(em, actor, { targetId: graph.id, backup, action, systemBackupId });
  }

  private async begin(
    em: EntityManager,
    actor: Actor,
    { targetId, backup, action, systemBackupId }: Begun,
  ): Promise<BegunRestore> {
    const { id: backupId, orgId } = backup;
    const payload = { backupId, systemBackupId };
    const operation = await this.operations.begin(em, RestoreBackup, { actor, orgId, graphId: targetId, payload });
    if (systemBackupId !== undefined) await this.systemBackups.belongTo(em, systemBackupId, operation.id);
    const details = { graph_id: targetId, operation_id: operation.id };
    await this.audit.record(em, { actor, action, target: backupId, orgId, details });
    return { operation, systemBackupId: systemBackupId ?? null };
  }

  private async registerGraph(
    em: EntityManager,
    actor: Actor,
    { orgId, tier }: Pick<Graph, 'orgId' | 'tier'>,
    { graph_name: name, description = null }: RestoredGraphDto,
    schema: Graph['schema'],
  ): Promise<string> {
    if (this.graphsConfig.billingRequired)
      throw new SubscriptionRequired(', and restore into it; of a deleted graph, name it by graph_id');
    await this.orgs.requireRoomForGraph(em, orgId);
    const id = this.ids.graph();
    await this.graphs.register(em, { id, orgId, name, description, tags: [], tier, schema }, actor.userId);
    await this.members.insert(em, id, actor.userId, 'admin');
    return id;
  }
}

interface Begun {
  targetId: string;
  backup: Backup;
  action: string;
  systemBackupId?: string;
}

/** A backup that can become a graph again. Throws what {@link storedBackup} throws, {@link BackupNotRestorable}. */
function restorable(backup: Backup): StoredBackup {
  const stored = storedBackup(backup);
  const why = whyNotRestorable(stored.manifest);
  if (why !== null) throw new BackupNotRestorable(why);
  if (stored.manifest.manifest_version > MANIFEST_VERSION)
    throw new BackupNotRestorable('a newer version of the platform made it. Update this one');
  return stored;
}
