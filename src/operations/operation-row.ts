import { type EntityManager, getMetadataArgsStorage } from 'typeorm';
import { Operation } from './operation.entity';

/** A row as Postgres names its columns. */
export type Row = Record<string, unknown>;

const COLUMNS = getMetadataArgsStorage()
  .filterColumns(Operation)
  .map(({ options, propertyName }) => options.name ?? propertyName);

/** What a statement that ends in an operation selects from `relation`, for {@link operationFrom}. */
export function operationColumns(relation: string): string {
  return COLUMNS.map((name) => `${relation}.${name}`).join(', ');
}

/** The operation in a row that a statement of our own returned. */
export function operationFrom(em: EntityManager, row: Row): Operation {
  const operation = new Operation();
  for (const column of em.connection.getMetadata(Operation).columns) {
    column.setEntityValue(operation, row[column.databaseName]);
  }
  return operation;
}
