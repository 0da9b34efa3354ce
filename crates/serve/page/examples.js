// The example films that come with the program: synthetic ones, as `osteon data synth` draws them, and a drawing that is no radiograph.

/** `file` under `assets/examples/`, `name` among the texts, `truth`: how it was drawn. */
export const EXAMPLES = [
  { file: 'forearm-fractured.png', name: 'forearm-fractured', truth: 'fracture' },
  { file: 'leg.png', name: 'leg', truth: 'intact' },
  { file: 'hand-fractured.png', name: 'hand-fractured', truth: 'fracture' },
  { file: 'forearm.png', name: 'forearm', truth: 'intact' },
  { file: 'leg-fractured.png', name: 'leg-fractured', truth: 'fracture' },
  { file: 'hand.png', name: 'hand', truth: 'intact' },
  { file: 'no-xray.png', name: 'no-xray', truth: 'other' },
];
