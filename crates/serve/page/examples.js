// The example films that come with the program: synthetic ones, as `osteon data synth` draws them, and a drawing that is no radiograph.

/** `file` under `assets/examples/`, `name` among the texts, `truth`: how it was drawn. */
export const EXAMPLES = [
  { file: 'wrist-fractured.png', name: 'wrist-fractured', truth: 'fracture' },
  { file: 'shoulder.png', name: 'shoulder', truth: 'intact' },
  { file: 'forearm-fractured.png', name: 'forearm-fractured', truth: 'fracture' },
  { file: 'wrist.png', name: 'wrist', truth: 'intact' },
  { file: 'leg-fractured.png', name: 'leg-fractured', truth: 'fracture' },
  { file: 'elbow.png', name: 'elbow', truth: 'intact' },
  { file: 'elbow-fractured.png', name: 'elbow-fractured', truth: 'fracture' },
  { file: 'no-xray.jpg', name: 'no-xray', truth: 'other' },
];
