#pragma once
// Stand-in, see README.md: nothing of it is named by ProcessGroupGloo.hpp.
