import { dirname, join } from 'node:path';

const DATA = join(dirname(require.resolve('vega-datasets')), '..', 'data');

const property = (name: string, type: string, extra: object = {}): object => ({ name, type, ...extra });

/** Airports of the USA, the routes between them, and three million flights of the first half of 2001. */
export const SCHEMA = {
  name: 'flights',
  nodes: [
    {
      name: 'Airport',
      properties: [
        property('iata', 'STRING', { is_primary_key: true }),
        ...['name', 'city', 'state', 'country'].map((name) => property(name, 'STRING')),
        property('latitude', 'DOUBLE'),
        property('longitude', 'DOUBLE'),
      ],
    },
  ],
  relationships: [
    {
      name: 'ROUTE',
      from_node: 'Airport',
      to_node: 'Airport',
      from_column: 'origin',
      to_column: 'destination',
      properties: [property('count', 'INT64')],
    },
    {
      name: 'FLIGHT',
      from_node: 'Airport',
      to_node: 'Airport',
      from_column: 'origin',
      to_column: 'destination',
      properties: [property('date', 'TIMESTAMP'), property('delay', 'INT64'), property('distance', 'INT64')],
    },
  ],
};

export const FILES = [
  { table: 'Airport', path: join(DATA, 'airports.csv'), contentType: 'text/csv' },
  { table: 'ROUTE', path: join(DATA, 'flights-airport.csv'), contentType: 'text/csv' },
  { table: 'FLIGHT', path: join(DATA, 'flights-3m.parquet'), contentType: 'application/x-parquet' },
];

/** Five questions, from a scan of everything to a walk over two hops. */
export const QUESTIONS = [
  {
    title: 'Busiest airports by departures',
    query:
      'MATCH (a:Airport)-[f:FLIGHT]->() RETURN a.iata AS airport, a.city AS city, count(*) AS departures ORDER BY departures DESC LIMIT 3',
  },
  {
    title: 'Mean delay by route in minutes, worst three of those flown 300 times or more',
    query:
      'MATCH (a:Airport)-[f:FLIGHT]->(b:Airport) WITH a.iata AS origin, b.iata AS destination, avg(f.delay) AS delay, count(*) AS flights WHERE flights >= 300 RETURN origin, destination, round(delay, 1) AS mean_delay, flights ORDER BY mean_delay DESC LIMIT 3',
  },
  {
    title: 'Longest routes flown',
    query:
      'MATCH (a:Airport)-[f:FLIGHT]->(b:Airport) RETURN a.city AS origin, b.city AS destination, max(f.distance) AS miles, count(*) AS flights ORDER BY miles DESC, flights DESC LIMIT 3',
  },
  {
    title: 'Airports within two hops of Fairbanks (FAI)',
    query: 'MATCH (:Airport {iata: $from})-[:ROUTE*1..2]->(b:Airport) RETURN count(DISTINCT b.iata) AS reachable',
    parameters: { from: 'FAI' },
  },
  {
    title: 'One stop between Bangor (BGR) and Tucson (TUS), busiest first legs',
    query:
      'MATCH (:Airport {iata: $from})-[r:ROUTE]->(via:Airport)-[s:ROUTE]->(:Airport {iata: $to}) RETURN via.iata AS via, via.city AS city, r.count AS first_leg, s.count AS second_leg ORDER BY first_leg DESC LIMIT 3',
    parameters: { from: 'BGR', to: 'TUS' },
  },
];
