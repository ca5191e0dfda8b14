/** Small files in which most rows are wrong, each in a way of its own, and one column is nobody's. */
export const BROKEN_FILES = [
  {
    table: 'Airport',
    name: 'new-airports.csv',
    content: [
      'iata,name,city,state,latitude,longitude,elevation',
      'ZZ1,Meadow Field,Springfield,OR,44.05,-123.02,450',
      'ZZ2,North Strip,Fargo,ND,far north,-96.80,900',
      ',Nameless Strip,Reno,NV,39.53,-119.81,4400',
      'ZZ1,Meadow Field II,Springfield,OR,44.06,-123.01,460',
    ],
  },
  {
    table: 'ROUTE',
    name: 'new-routes.csv',
    content: ['origin,destination,count', 'ZZ1,ORD,12', 'ORD,ZZ1,a dozen', 'ZZ1,QQQ,3'],
  },
].map(({ content, ...file }) => ({ ...file, content: Buffer.from(`${content.join('\n')}\n`) }));
