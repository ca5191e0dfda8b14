import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { FileOptions } from './staged-file.entity';

/** What somebody said of a staging table; every type of the schema has a table, whether or not there is such a row. */
@Entity('staging_table')
export class StagingTable {
  @PrimaryColumn('text', { name: 'graph_id' })
  readonly graphId: string;

  @PrimaryColumn('text')
  readonly name: string;

  /** How files are read that are announced for it from now on and say nothing else. */
  @Column('jsonb')
  readonly options: FileOptions;

  @Column('uuid', { name: 'created_by', nullable: true })
  readonly createdBy: string | null;

  @Column('timestamptz', { name: 'created_at' })
  readonly createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  readonly updatedAt: Date;
}
