import { open } from 'node:fs/promises';

/** How many rows a Parquet file says it has, and how many values (absent ones too) its columns hold. */
export interface ParquetCounts {
  rows: number;
  groups: { rows: number; values: number[] }[];
}

/** The length of the table of contents, and the magic number. */
const TAIL_BYTES = 8;

type Field = number | boolean | Buffer | Field[] | { [id: number]: Field };
type Fields = { [id: number]: Field };

/** Reads a file's table of contents. Throws where the file is none of Parquet. */
export async function readParquetCounts(path: string): Promise<ParquetCounts> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const tail = await bytesAt(file, size - TAIL_BYTES, TAIL_BYTES);
    const length = tail.readUInt32LE(0);
    const contents = new CompactReader(await bytesAt(file, size - TAIL_BYTES - length, length)).struct();
    // FileMetaData: 3 num_rows, 4 row_groups; RowGroup: 1 columns, 3 num_rows; ColumnChunk: 3 meta_data: 5 num_values.
    const groups = (contents[4] as Fields[]).map((group) => ({
      rows: group[3] as number,
      values: (group[1] as Fields[]).map((column) => (column[3] as Fields)[5] as number),
    }));
    return { rows: contents[3] as number, groups };
  } finally {
    await file.close();
  }
}

async function bytesAt(file: Awaited<ReturnType<typeof open>>, position: number, length: number): Promise<Buffer> {
  if (position < 0) throw new Error('Too short for a Parquet file');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead !== length) throw new Error('Too short for a Parquet file');
  return buffer;
}

/** Thrift's compact protocol, in which Parquet's table of contents is written; values of all kinds, by their ids. */
class CompactReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  struct(): Fields {
    const fields: Fields = {};
    let id = 0;
    for (;;) {
      const head = this.byte();
      if (head === 0) return fields;
      id = head >> 4 === 0 ? this.integer() : id + (head >> 4);
      fields[id] = this.value(head & 15);
    }
  }

  private value(type: number): Field {
    switch (type) {
      case 1:
      case 2:
        return type === 1;
      case 3:
        return this.byte();
      case 4:
      case 5:
      case 6:
        return this.integer();
      case 7:
        return this.piece(8);
      case 8:
        return this.piece(this.unsigned());
      case 9:
      case 10:
        return this.list();
      case 12:
        return this.struct();
      default:
        throw new Error(`A field of type ${type} in a Parquet file`);
    }
  }

  private list(): Field[] {
    const head = this.byte();
    const length = head >> 4 === 15 ? this.unsigned() : head >> 4;
    const type = head & 15;
    const read = (): Field => (type === 1 || type === 2 ? this.byte() === 1 : this.value(type));
    return Array.from({ length }, read);
  }

  private integer(): number {
    const value = this.unsigned();
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  private unsigned(): number {
    for (let value = 0, unit = 1; ; unit *= 128) {
      const byte = this.byte();
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  }

  private byte(): number {
    if (this.at >= this.bytes.length) throw new Error('The table of contents of a Parquet file breaks off');
    return this.bytes[(this.at += 1) - 1];
  }

  private piece(length: number): Buffer {
    return this.bytes.subarray(this.at, (this.at += length));
  }
}
