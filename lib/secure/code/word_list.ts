/**
 * 512 nouns for codes and session words: common, four to eight letters long,
 * distinct in their first four letters and more than one letter apart.
 */
export const WORD_LIST: readonly string[] = `
acorn actor admiral album alcove almond alpine amber anchor angel ankle
antenna antler apple apricot apron aquarium archer arctic arena armada armor
arrow artist asphalt atlas attic autumn avenue avocado axle badger bagel baker
balcony ballad bamboo banana bandit banjo banner barley barrel basket bathtub
battery bazaar beacon beaver bedrock beehive beetle bicycle biscuit bishop
bison blanket blizzard blossom bobcat bonfire bonnet border bottle boulder
bouquet bracelet branch bread breeze bridge bronze brook bubble bucket buffalo
bugle bundle burrow butter buzzard cabbage cabin cactus calendar camel campus
canal candle cannon canoe canvas captain caramel cardinal cargo carpet carrot
cascade castle catalog cavern cedar celery cello ceramic chalk champion
channel chapel charcoal cheddar cherry chestnut chimney chipmunk chorus cider
cinema cinnamon circus citadel clarinet clover cobalt cobra coconut coffee
collar colony comet compass concert condor copper coral cotton cougar cowboy
coyote cradle crater crayon cricket crimson crocus crystal cuckoo cupboard
curtain cushion cyclone cymbal cypress dagger daisy dancer decade desert
diagram diamond diesel dinner dinosaur diploma dolphin domino donkey dragon
drummer duchess dungeon dynamo eagle earring easel echo eclipse elbow elephant
elevator emerald empire engine envelope equator escort estate evening fabric
factory falcon farmer feather fender ferret fiddle field filter finger firefly
flamingo flannel flower flute fossil fountain fragment freckle freight frigate
frost funnel furnace galaxy gallery garden garlic garnet gazelle gemstone
geyser giant giraffe glacier glider goblet goggles goldfish gondola gopher
gorilla granite grape gravel grocer guitar habitat hammer hamster harbor
harness harvest hatchet hazel helmet herald heron hickory highway hockey
holiday honey horizon hornet hotel hyacinth iceberg igloo indigo inkwell
insect island ivory jacket jaguar jasmine jelly jersey jigsaw journey jubilee
jungle juniper justice kangaroo kayak kernel keyboard kimono kingdom kitchen
kiwi knapsack koala lagoon lantern lasagna laurel lavender lecture legend
lemon leopard liberty library lilac linen lobster locket lotus lunch lyric
machine magnet magpie mahogany mammoth mandolin manor mansion marble marvel
mascot meadow melody mermaid meteor midnight mineral minnow mirror mohair
molecule monarch morning mosquito muffin museum mushroom mustang napkin
narwhal nectar nephew nickel nimbus noodle nougat nugget nutmeg oasis oatmeal
ocean octagon octopus olive onion opera orbit orchard origami ostrich otter
outpost oxygen pagoda palace pancake panther papaya paprika pasture patrol
pavilion peacock peanut pelican pencil penguin petunia phoenix pickle picnic
pigeon pilgrim pillow pioneer pirate podium poem polka pollen poppy porridge
portrait postcard potato prairie pretzel prism pumpkin puppet purple pyramid
python quail quarry quiver rabbit raccoon radish railway rainbow raisin
reactor recipe record redwood reindeer relic reptile ribbon rodeo rotor
rowboat rubber ruby runway saffron sailor sandal sapphire sardine sausage
scholar scooter scorpion senator sequoia shallot shamrock sheriff shrimp
sierra signal skillet slipper snorkel sofa sonata sparrow spinach spiral
sponge squid stadium stallion steeple sticker stirrup storm stucco sugar
summit sunset sweater syrup tadpole talent tapestry teacup tennis terrace
thimble thunder tiger topaz torpedo tortoise toucan trailer treasure trellis
tribune trophy trumpet tulip tundra turbine tuxedo twilight umbrella unicorn
utensil vacuum vanilla veranda vessel viaduct vicar village vineyard violet
vitamin volcano voyage vulture waffle walnut wardrobe wedding whisker widget
wombat woodland yacht yogurt zenith zeppelin zigzag zodiac
`.trim().split(/\s+/);
