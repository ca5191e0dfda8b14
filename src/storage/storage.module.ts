import { Module } from '@nestjs/common';
import { FileSystemObjectStore } from './file-system.object-store';
import { ObjectStore } from './object-store';

/** Bytes under keys: {@link ObjectStore}, kept as files. */
@Module({
  providers: [{ provide: ObjectStore, useClass: FileSystemObjectStore }],
  exports: [ObjectStore],
})
export class StorageModule {}
