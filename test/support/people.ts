/** A small schema that most tests are content with: people who know each other. */
export const PEOPLE = {
  name: 'people',
  nodes: [
    {
      name: 'Person',
      properties: [
        { name: 'id', type: 'INT64', is_primary_key: true },
        { name: 'name', type: 'STRING', required: true },
        { name: 'born', type: 'DATE' },
      ],
    },
  ],
  relationships: [
    { name: 'KNOWS', from_node: 'Person', to_node: 'Person', properties: [{ name: 'since', type: 'INT32' }] },
  ],
};

export const PERSONS = 'id,name,born\n1,Ada,1815-12-10\n2,Grace,1906-12-09\n3,Edsger,1930-05-11\n';
export const KNOWS = 'from,to,since\n1,2,1900\n2,3,1960\n';
