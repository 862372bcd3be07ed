/**
 * Area codes whose numbers have an outcome of their own, in plain words: those of the sandbox
 * (docs/sandbox.md, "Magic numbers"), and 900, whose numbers the service itself blocks.
 */
export const EXAMPLES = [
  { areaCode: 205, outcome: 'The phone cannot be reached' },
  { areaCode: 900, outcome: 'Premium number: gets no codes' },
  { areaCode: 209, outcome: 'The message takes two seconds' },
  { areaCode: 213, outcome: 'The message arrives unconfirmed' },
  { areaCode: 214, outcome: 'The message provider fails' },
  { areaCode: 225, outcome: 'The code arrives expired' },
  { areaCode: 231, outcome: 'Even the right code is rejected' },
  { areaCode: 251, outcome: 'The answer to the code is lost' },
];

/** Numbers of this area code work. */
const WORKING_AREA_CODE = 415;

/** A number that is reserved for fiction. Random, because each number has its own limits. */
const createNumber = (areaCode) =>
  `+1 ${areaCode} 555 01${String(Math.floor(Math.random() * 50)).padStart(2, '0')}`;

export const createWorkingNumber = () => createNumber(WORKING_AREA_CODE);

/** Lists the examples as buttons. @param choose called with the number and the outcome of one */
export function listExamples(list, choose) {
  list.append(
    ...EXAMPLES.map(({ areaCode, outcome }) => {
      const number = createNumber(areaCode);
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'example';
      button.append(createSpan(outcome), createSpan(`+1 ${areaCode}`));
      button.addEventListener('click', () => choose(number, outcome));
      const item = document.createElement('li');
      item.append(button);
      return item;
    }),
  );
}

const createSpan = (text) => Object.assign(document.createElement('span'), { textContent: text });
