import { ApiProperty } from '@nestjs/swagger';
import { FILE_STATUSES, filePrefix, type FileStatus, type StagedFile } from '../staged-file.entity';

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
  @ApiProperty({ enum: ['pending', 'uploaded', 'failed'] })
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
  @ApiProperty({ required: false, type: Object, description: 'while it is still being read' })
  _links?: { stream: string; status: string; cancel: string };
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
    column_mapping: file.options.mapping ?? null,
    from_label: file.options.ends?.from ?? null,
    to_label: file.options.ends?.to ?? null,
    operation_id: file.operationId,
    layers: {
      s3: {
        status: file.uploadKey === null ? 'pending' : 'uploaded',
        timestamp: file.uploadedAt?.toISOString() ?? null,
        size_bytes: file.sizeBytes,
      },
      duckdb: { status: stagingStatus, timestamp: file.stagedAt?.toISOString() ?? null, row_count: file.rowCount },
      graph: {
        status: inGraph ? 'ingested' : 'pending',
        timestamp: null,
        row_count: inGraph ? file.rowCount : null,
      },
    },
  };
}

/** A name for the content that stays the same however often it is uploaded. */
export function contentKey(file: StagedFile): string {
  return `${filePrefix(file)}upload`;
}
