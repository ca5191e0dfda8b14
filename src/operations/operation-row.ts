import type { EntityManager } from 'typeorm';
import { Operation } from './operation.entity';

/** A row as Postgres names its columns. */
export type Row = Record<string, unknown>;

/** The operation in a row that a statement of our own returned. */
export function operationFrom(em: EntityManager, row: Row): Operation {
  const operation = new Operation();
  for (const column of em.connection.getMetadata(Operation).columns) {
    column.setEntityValue(operation, row[column.databaseName]);
  }
  return operation;
}
