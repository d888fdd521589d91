//! Values of hundreds of megabytes arrive cut, soon, and without anyone holding them.
