import { Platform1764000000000 } from './1764000000000-platform';
import { Access1764000100000 } from './1764000100000-access';
import { OrgEvents1764000200000 } from './1764000200000-org-events';
import { QueuePositions1764000210000 } from './1764000210000-queue-positions';
import { OperatorsAndDeadLetters1764000300000 } from './1764000300000-operators-and-dead-letters';
import { Idempotency1764000400000 } from './1764000400000-idempotency';
import { OpenDeadLetters1764000800000 } from './1764000800000-open-dead-letters';
import { OperationHistory1765000000000 } from './1765000000000-operation-history';
import { FileContents1765000050000 } from './1765000050000-file-contents';
import { Materializations1765000040000 } from './1765000040000-materializations';
import { QueryResults1765000060000 } from './1765000060000-query-results';
import { SchemaVersions1765000030000 } from './1765000030000-schema-versions';
import { RequestCounts1765000070000 } from './1765000070000-request-counts';
import { ListedGraphs1765000080000 } from './1765000080000-listed-graphs';
import { KeptRejects1765000130000 } from './1765000130000-kept-rejects';
import { SchemaFollowUp1765000131000 } from './1765000131000-schema-follow-up';
import { QueryMetering1765000071000 } from './1765000071000-query-metering';
import { Subgraphs1765000140000 } from './1765000140000-subgraphs';
import { KeptResults1765000110000 } from './1765000110000-kept-results';
import { StagingTables1765000120000 } from './1765000120000-staging-tables';
import { Backups1765000150000 } from './1765000150000-backups';
import { BackupDownloads1765000160000 } from './1765000160000-backup-downloads';
import { BackupSchedules1765000161000 } from './1765000161000-backup-schedules';
import { FileCopies1765000141000 } from './1765000141000-file-copies';
import { OwnOptions1765000211000 } from './1765000211000-own-options';
import { SuspendedGraphs1765000261000 } from './1765000261000-suspended-graphs';
import { WaitingGraphs1765000260000 } from './1765000260000-waiting-graphs';
import { TakenSchema1765000210000 } from './1765000210000-taken-schema';
import { Credits1765000270000 } from './1765000270000-credits';
import { Billing1765000250000 } from './1765000250000-billing';
import { Dagster1765000240000 } from './1765000240000-dagster';
import { BillingProvider1765000251000 } from './1765000251000-billing-provider';
import { Repositories1765000284000 } from './1765000284000-repositories';
import { GrantsAgain1765000285000 } from './1765000285000-grants-again';
import { Refunds1765000290000 } from './1765000290000-refunds';

/** Every migration, oldest first. */
export const MIGRATIONS = [
  Platform1764000000000,
  Access1764000100000,
  OrgEvents1764000200000,
  QueuePositions1764000210000,
  OperatorsAndDeadLetters1764000300000,
  Idempotency1764000400000,
  OpenDeadLetters1764000800000,
  OperationHistory1765000000000,
  FileContents1765000050000,
  Materializations1765000040000,
  QueryResults1765000060000,
  SchemaVersions1765000030000,
  RequestCounts1765000070000,
  ListedGraphs1765000080000,
  QueryMetering1765000071000,
  KeptRejects1765000130000,
  SchemaFollowUp1765000131000,
  Subgraphs1765000140000,
  KeptResults1765000110000,
  StagingTables1765000120000,
  Backups1765000150000,
  BackupDownloads1765000160000,
  BackupSchedules1765000161000,
  FileCopies1765000141000,
  TakenSchema1765000210000,
  OwnOptions1765000211000,
  Credits1765000270000,
  WaitingGraphs1765000260000,
  Billing1765000250000,
  Dagster1765000240000,
  BillingProvider1765000251000,
  SuspendedGraphs1765000261000,
  Repositories1765000284000,
  GrantsAgain1765000285000,
  Refunds1765000290000,
];
