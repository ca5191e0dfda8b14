import { Readable } from 'node:stream';
import {
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Field,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
  TimestampMicrosecond,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import type { QueryColumn } from '../engine/graph-engine';
import type { Row } from './row-batches';

const DAY_MS = 86_400_000;
/** Marker and length of a message's metadata. */
const MESSAGE_HEAD_BYTES = 8;
/** Marks the end of an Arrow stream. */
const END_OF_STREAM = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

type Numbers =
  Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;
type Make = (values: unknown[]) => Data;

/**
 * Rows as an Arrow IPC stream, one record batch at a time, as fast as they are read. Numbers, dates, instants and bytes have
 * Arrow's types; decimals, intervals and INT128 are text, lists and objects JSON text. A failure half-way leaves the
 * stream without its end mark and breaks the connection.
 */
export function arrowOf(columns: QueryColumn[], batches: AsyncIterable<Row[]>): Readable {
  return Readable.from(arrow(columns, batches), { objectMode: false });
}

async function* arrow(columns: QueryColumn[], batches: AsyncIterable<Row[]>): AsyncGenerator<Buffer> {
  const makers = columns.map(({ type }) => makerOf(type));
  const fields = columns.map(
    ({ name, type }, index) => new Field(name, makers[index].type, true, new Map([['engine_type', type]])),
  );
  const schema = new Schema(fields);
  const encode = (rows: Row[]): Buffer => {
    const children = makers.map(({ make }, column) => make(rows.map((row) => row[columns[column].name] ?? null)));
    const struct = makeData({ type: new Struct(fields), length: rows.length, nullCount: 0, children });
    return Buffer.from(tableToIPC(new Table(schema, [new RecordBatch(schema, struct)]), 'stream'));
  };
  const empty = encode([]);
  const schemaEnd = MESSAGE_HEAD_BYTES + empty.readInt32LE(4);
  yield empty.subarray(0, schemaEnd);
  // Each encoding begins with the schema and ends with the mark; between them is the batch alone.
  for await (const rows of batches) yield encode(rows).subarray(schemaEnd, -END_OF_STREAM.length);
  yield END_OF_STREAM;
}

function makerOf(type: string): { type: DataType; make: Make } {
  switch (/\[\d*\]$/.test(type) ? 'LIST' : type.replace(/\(.*/s, '')) {
    case 'BOOL':
      return { type: new Bool(), make: (values) => vectorFromArray(values as boolean[], new Bool()).data[0] };
    case 'INT8':
      return numbers(new Int8(), (length) => new Int8Array(length));
    case 'INT16':
      return numbers(new Int16(), (length) => new Int16Array(length));
    case 'INT32':
      return numbers(new Int32(), (length) => new Int32Array(length));
    case 'UINT8':
      return numbers(new Uint8(), (length) => new Uint8Array(length));
    case 'UINT16':
      return numbers(new Uint16(), (length) => new Uint16Array(length));
    case 'UINT32':
      return numbers(new Uint32(), (length) => new Uint32Array(length));
    case 'FLOAT':
      return numbers(new Float32(), (length) => new Float32Array(length));
    case 'DOUBLE':
      return numbers(new Float64(), (length) => new Float64Array(length));
    case 'DATE':
      return numbers(
        new DateDay(),
        (length) => new Int32Array(length),
        (value) => Date.parse(value as string) / DAY_MS,
      );
    case 'INT64':
    case 'SERIAL':
      return bigNumbers(
        new Int64(),
        (length) => new BigInt64Array(length),
        (value) => BigInt(value as string),
      );
    case 'UINT64':
      return bigNumbers(
        new Uint64(),
        (length) => new BigUint64Array(length),
        (value) => BigInt(value as string),
      );
    case 'TIMESTAMP':
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_SEC':
      return bigNumbers(new TimestampMicrosecond(), (length) => new BigInt64Array(length), micros);
    case 'TIMESTAMP_TZ':
      return bigNumbers(new TimestampMicrosecond('UTC'), (length) => new BigInt64Array(length), micros);
    case 'BLOB': {
      const bytes = (value: unknown) => (value === null ? null : Buffer.from(value as string, 'base64'));
      return { type: new Binary(), make: (values) => vectorFromArray(values.map(bytes), new Binary()).data[0] };
    }
    default:
      return { type: new Utf8(), make: (values) => vectorFromArray(values.map(textOf), new Utf8()).data[0] };
  }
}

function numbers(
  type: DataType,
  allocate: (length: number) => Numbers,
  convert: (value: unknown) => number = Number,
): { type: DataType; make: Make } {
  return {
    type,
    make: (values) => {
      const data = allocate(values.length);
      values.forEach((value, i) => value !== null && (data[i] = convert(value)));
      return makeData({ type, length: values.length, data, ...validity(values) } as Parameters<typeof makeData>[0]);
    },
  };
}

function bigNumbers(
  type: DataType,
  allocate: (length: number) => BigInt64Array | BigUint64Array,
  convert: (value: unknown) => bigint,
): { type: DataType; make: Make } {
  return {
    type,
    make: (values) => {
      const data = allocate(values.length);
      values.forEach((value, i) => value !== null && (data[i] = convert(value)));
      return makeData({ type, length: values.length, data, ...validity(values) } as Parameters<typeof makeData>[0]);
    },
  };
}

/** One bit for each value, set where there is one. */
function validity(values: unknown[]): { nullCount: number; nullBitmap: Uint8Array } {
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 64) * 8);
  let nullCount = 0;
  values.forEach((value, i) => {
    if (value === null) nullCount += 1;
    else nullBitmap[i >> 3] |= 1 << (i & 7);
  });
  return { nullCount, nullBitmap };
}

function micros(value: unknown): bigint {
  const [, instant, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(value as string) ?? [];
  return BigInt(Date.parse(`${instant}Z`)) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}

function textOf(value: unknown): string | null {
  return value === null || typeof value === 'string' ? value : JSON.stringify(value);
}
