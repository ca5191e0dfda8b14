import { ApiProperty } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsOptional,
  IsString,
  Length,
  MaxLength,
  registerDecorator,
} from 'class-validator';
import { Text, textProblem } from '../../common/text';
import type { CsvOptions } from '../duckdb/messages';

const MOST_NAMES = 2_000;
/** The letters that DuckDB's strptime knows. */
const STRPTIME = /^(?:[^%]|%-?[aAbBcdDfgGHIjmMnpSuUVwWxXyYzZ%])+$/;

/** How a CSV is written. What is left out is found out, or is as in most files. */
export class CsvOptionsDto {
  @ApiProperty({ required: false, example: ';' })
  @IsOptional()
  @IsString()
  @Length(1, 4)
  delimiter?: string;

  @ApiProperty({ required: false, description: 'one character, or "" where nothing is quoted' })
  @IsOptional()
  @IsString()
  @MaxLength(1)
  quote?: string;

  @ApiProperty({
    required: false,
    description: 'what stands before a quote inside quotes; the quote itself by default',
  })
  @IsOptional()
  @IsString()
  @MaxLength(1)
  escape?: string;

  @ApiProperty({ required: false, default: true, description: 'whether the first line has the names of the columns' })
  @IsOptional()
  @IsBoolean()
  header?: boolean;

  @ApiProperty({
    required: false,
    type: [String],
    description: 'for a file without a header; else column0, column1, ...',
  })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MOST_NAMES)
  @Text({ max: 255, each: true })
  column_names?: string[];

  @ApiProperty({
    required: false,
    type: [String],
    example: ['', 'NULL'],
    description: 'no value; by default an empty field',
  })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(20)
  @IsString({ each: true })
  @MaxLength(255, { each: true })
  null_values?: string[];

  @ApiProperty({ required: false, example: 'windows-1252', description: 'UTF-8, or UTF-16 with a mark, by default' })
  @IsOptional()
  @IsEncoding()
  encoding?: string;

  @ApiProperty({ required: false, type: [String], example: ['%d/%m/%Y'], description: 'instead of ISO 8601' })
  @IsOptional()
  @IsDateFormats()
  date_formats?: string[];

  @ApiProperty({ required: false, type: [String], example: ['%d/%m/%Y %H:%M'], description: 'instead of ISO 8601' })
  @IsOptional()
  @IsDateFormats()
  timestamp_formats?: string[];
}

/** Only what was said, so that it can be laid over what a table says. */
export function toCsvOptions(dto: CsvOptionsDto): CsvOptions {
  const options: CsvOptions = {
    delimiter: dto.delimiter,
    quote: dto.quote,
    escape: dto.escape,
    header: dto.header,
    columnNames: dto.column_names,
    nullValues: dto.null_values,
    encoding: dto.encoding === undefined ? undefined : new TextDecoder(dto.encoding).encoding,
    dateFormats: dto.date_formats,
    timestampFormats: dto.timestamp_formats,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null));
}

export function fromCsvOptions(options: CsvOptions): CsvOptionsDto {
  return {
    delimiter: options.delimiter,
    quote: options.quote,
    escape: options.escape,
    header: options.header,
    column_names: options.columnNames,
    null_values: options.nullValues,
    encoding: options.encoding,
    date_formats: options.dateFormats,
    timestamp_formats: options.timestampFormats,
  };
}

/** An object from names of columns to names of columns or null. */
export function IsColumnMapping(): PropertyDecorator {
  return check('must be an object from columns of the file to columns of the table or null', (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const entries = Object.entries(value);
    const isName = (name: unknown): boolean => textProblem(name, { max: 255 }) === undefined;
    return entries.length <= MOST_NAMES && entries.every(([from, to]) => isName(from) && (to === null || isName(to)));
  });
}

function IsEncoding(): PropertyDecorator {
  return check('must be the label of an encoding, such as windows-1252 or utf-16le', (value) => {
    try {
      return typeof value === 'string' && new TextDecoder(value).encoding !== '';
    } catch {
      return false;
    }
  });
}

function IsDateFormats(): PropertyDecorator {
  const fits = (value: unknown): boolean => typeof value === 'string' && value.length <= 100 && STRPTIME.test(value);
  return check(
    'must be 1 to 10 formats such as %d/%m/%Y',
    (value) => Array.isArray(value) && value.length > 0 && value.length <= 10 && value.every(fits),
  );
}

function check(message: string, validate: (value: unknown) => boolean): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'check',
      target: target.constructor,
      propertyName: String(property),
      options: { message: `${String(property)} ${message}` },
      validator: { validate },
    });
}
