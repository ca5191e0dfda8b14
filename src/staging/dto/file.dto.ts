import { ApiProperty } from '@nestjs/swagger';
import { FILE_STATUSES, filePrefix, type FileStatus, type StagedFile } from '../staged-file.entity';
import { CsvOptionsDto, fromCsvOptions } from './csv-options.dto';

export class FileUploadResponse {
  @ApiProperty({ description: 'PUT the content here; the link itself is the right to do so' })
  upload_url: string;
  @ApiProperty({ description: 'seconds' })
  expires_in: number;
  @ApiProperty()
  file_id: string;
  @ApiProperty()
  s3_key: string;
}

export class FileInfo {
  @ApiProperty()
  file_id: string;
  @ApiProperty()
  file_name: string;
  @ApiProperty()
  file_format: string;
  @ApiProperty()
  size_bytes: number;
  @ApiProperty({ enum: ['pending', 'uploaded', 'failed', 'disabled', 'archived'] })
  upload_status: string;
  @ApiProperty({ enum: FILE_STATUSES, description: 'how far the file has come' })
  status: FileStatus;
  @ApiProperty()
  upload_method: string;
  @ApiProperty()
  s3_key: string;
  @ApiProperty()
  table_name: string;
  @ApiProperty({ nullable: true, type: Number })
  row_count: number | null;
  @ApiProperty()
  created_at: string;
  @ApiProperty({ nullable: true, type: String })
  uploaded_at: string | null;
  @ApiProperty({ nullable: true, type: Object, description: 'why the file could not be read' })
  error: object | null;
}

export class FileLayerStatus {
  @ApiProperty()
  status: string;
  @ApiProperty({ nullable: true, type: String })
  timestamp: string | null;
  @ApiProperty({ nullable: true, type: Number })
  row_count?: number | null;
  @ApiProperty({ nullable: true, type: Number })
  size_bytes?: number | null;
}

export class FileLayers {
  @ApiProperty({ description: 'the content as it was uploaded' })
  s3: FileLayerStatus;
  @ApiProperty({ description: 'its rows in the staging table' })
  duckdb: FileLayerStatus;
  @ApiProperty({ description: 'its rows in the graph' })
  graph: FileLayerStatus;
}

export class GetFileInfoResponse extends FileInfo {
  @ApiProperty()
  graph_id: string;
  @ApiProperty()
  table_id: string;
  @ApiProperty({ nullable: true, type: [Object] })
  columns: { name: string; type: string }[] | null;
  @ApiProperty({ nullable: true, type: Object, description: 'what reading it found: format, compression, CSV dialect' })
  content: object | null;
  @ApiProperty({ nullable: true, type: CsvOptionsDto, description: 'how the CSV is written, as far as that was said' })
  csv: CsvOptionsDto | null;
  @ApiProperty({ nullable: true, type: Object, description: 'columns of the file by what they hold' })
  column_mapping: object | null;
  @ApiProperty({
    nullable: true,
    type: String,
    description: 'the type that its rows lead from, where they do not say it',
  })
  from_label: string | null;
  @ApiProperty({ nullable: true, type: String })
  to_label: string | null;
  @ApiProperty({ nullable: true, type: String, description: 'the operation that read it last' })
  operation_id: string | null;
  @ApiProperty({ nullable: true, type: String, description: 'the operation that loads it, where that was asked for' })
  ingest_operation_id: string | null;
  @ApiProperty()
  layers: FileLayers;
}

export class ListTableFilesResponse {
  @ApiProperty()
  graph_id: string;
  @ApiProperty({ type: [FileInfo] })
  files: FileInfo[];
  @ApiProperty()
  total_files: number;
  @ApiProperty()
  total_size_bytes: number;
  @ApiProperty({ nullable: true, type: String })
  table_name: string | null;
}

export class UpdateFileResponse extends GetFileInfoResponse {
  @ApiProperty()
  message: string;
  @ApiProperty({ required: false, type: Object, description: 'of the operation that reads or loads it' })
  _links?: { stream: string; status: string; cancel: string };
  @ApiProperty({ required: false, description: 'the graph still holds rows of a file that was set aside' })
  graph_marked_stale?: boolean;
}

export class DeleteFileResponse {
  @ApiProperty()
  status: string;
  @ApiProperty()
  file_id: string;
  @ApiProperty()
  file_name: string;
  @ApiProperty()
  message: string;
  @ApiProperty()
  cascade_deleted: boolean;
  @ApiProperty({ type: [String] })
  tables_affected: string[];
  @ApiProperty()
  graph_marked_stale: boolean;
}

export function toFileInfo(file: StagedFile): FileInfo {
  return {
    file_id: file.id,
    file_name: file.fileName,
    file_format: file.format,
    size_bytes: file.sizeBytes,
    upload_status: file.status === 'staging' || file.status === 'staged' ? 'uploaded' : file.status,
    status: file.status,
    upload_method: 'presigned_url',
    s3_key: contentKey(file),
    table_name: file.tableName,
    row_count: file.rowCount,
    created_at: file.createdAt.toISOString(),
    uploaded_at: file.uploadedAt?.toISOString() ?? null,
    error: file.error,
  };
}

export function toFileDetails(file: StagedFile): GetFileInfoResponse {
  const inGraph = file.materializedGeneration !== null;
  const stagingStatus = file.status === 'uploaded' ? 'pending' : file.status;
  return {
    ...toFileInfo(file),
    graph_id: file.graphId,
    table_id: file.tableName,
    columns: file.columns,
    content: file.content,
    csv: file.options.csv ? fromCsvOptions(file.options.csv) : null,
    column_mapping: file.options.mapping ?? null,
    from_label: file.options.ends?.from ?? null,
    to_label: file.options.ends?.to ?? null,
    operation_id: file.operationId,
    ingest_operation_id: file.ingestOperationId,
    layers: {
      s3: {
        status: file.uploadKey === null ? 'pending' : 'uploaded',
        timestamp: file.uploadedAt?.toISOString() ?? null,
        size_bytes: file.sizeBytes,
      },
      duckdb: { status: stagingStatus, timestamp: file.stagedAt?.toISOString() ?? null, row_count: file.rowCount },
      graph: {
        status: inGraph ? 'ingested' : 'pending',
        // How many of its rows were taken, and when, is known of each materialization and not of each file.
        timestamp: null,
        row_count: null,
      },
    },
  };
}

/** How far a file has come that was to be read into its table. */
export function toStagingAnswer(file: StagedFile): UpdateFileResponse {
  const staged = file.status === 'staged';
  const operationId = staged ? file.ingestOperationId : file.operationId;
  return {
    ...toFileDetails(file),
    message: staged
      ? `${file.rowCount} rows are staged in ${file.tableName}${ingestWords(file)}`
      : 'The file is still being read; watch the operation',
    ...(operationId !== null && { _links: linksOf(operationId) }),
  };
}

export function toAsideAnswer(file: StagedFile, markedStale: boolean): UpdateFileResponse {
  const kept = markedStale ? '; the graph keeps its rows until it is materialized again' : '';
  return {
    ...toFileDetails(file),
    message: `The file is ${file.status} and no longer in ${file.tableName}${kept}`,
    graph_marked_stale: markedStale,
  };
}

function ingestWords({ ingestBy, ingestOperationId, materializedGeneration }: StagedFile): string {
  if (ingestBy === null) return '';
  if (materializedGeneration !== null) return ' and in the graph';
  if (ingestOperationId !== null) return `; operation ${ingestOperationId} loads them into the graph`;
  return '; they are loaded into the graph as soon as its other operation has ended and the limits of the day allow it';
}

function linksOf(operationId: string): { stream: string; status: string; cancel: string } {
  const link = `/v1/operations/${operationId}`;
  return { stream: `${link}/stream`, status: `${link}/status`, cancel: link };
}

/** A name for the content that stays the same however often it is uploaded. */
export function contentKey(file: StagedFile): string {
  return `${filePrefix(file)}upload`;
}
