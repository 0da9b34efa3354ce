// The examples that come with the program: six radiographs of FracAtlas (CC BY 4.0), one that `osteon data synth` drew, and a landscape.

/** `file` under `assets/examples/`, `name` among the texts, `truth`: how FracAtlas labels it, or how it was drawn. */
export const EXAMPLES = [
  { file: 'forearm-cast.jpg', name: 'forearm-cast', truth: 'labelled-fractured' },
  { file: 'hand.jpg', name: 'hand', truth: 'labelled-intact' },
  { file: 'leg-metalwork.jpg', name: 'leg-metalwork', truth: 'labelled-fractured' },
  { file: 'hip.jpg', name: 'hip', truth: 'labelled-intact' },
  { file: 'knee-missed.jpg', name: 'knee-missed', truth: 'labelled-fractured' },
  { file: 'shoulder.jpg', name: 'shoulder', truth: 'labelled-intact' },
  { file: 'wrist-fractured.png', name: 'wrist-drawn', truth: 'drawn-fracture' },
  { file: 'no-xray.jpg', name: 'no-xray', truth: 'drawn-other' },
];
